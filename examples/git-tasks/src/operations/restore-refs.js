import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listRefs } from './dump-refs.js';

/** What was restored is not what was dumped. */
class RefsDiffer extends Error {
  name = 'RefsDiffer';
}

/**
 * Reads a bundle into a fresh repository and compares the refs, one by one.
 *
 * @param {import('../workspace.js').Workspace} workspace
 * @param {{bundle: string, refs: readonly string[]}} dump
 * @returns {import('../job-queue.js').JobStep[]}
 */
export function restoreRefs(workspace, { bundle, refs }) {
  const cwd = join(workspace.folder, 'restored.git');
  return [
    {
      name: 'create_repository',
      run: async ({ task, progress }) => {
        const { signal } = task;
        const format = await workspace.git(['rev-parse', '--show-object-format'], { signal });
        await mkdir(cwd);
        await workspace.git(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`], { cwd, signal });
        progress(0.1, 'empty repository');
      },
    },
    {
      name: 'fetch',
      run: async ({ task, progress }) => {
        await workspace.git(['fetch', '--progress', bundle, '+refs/*:refs/*'], {
          cwd,
          signal: task.signal,
          onProgress: (share) => progress(0.1 + 0.7 * share, 'reading objects'),
        });
      },
    },
    {
      name: 'compare_refs',
      run: async ({ task, progress }) => {
        const restored = await listRefs(workspace, { cwd, signal: task.signal });
        const missing = refs.filter((ref) => !restored.includes(ref));
        if (missing.length > 0 || restored.length !== refs.length) {
          throw new RefsDiffer(
            `${refs.length} refs dumped, ${restored.length} restored, ${missing.length} missing or changed`,
          );
        }
        await workspace.git(['fsck', '--connectivity-only', '--no-progress'], { cwd, signal: task.signal });
        task.metric('restored_refs', restored.length, { unit: '{ref}' });
        progress(1, `${restored.length} refs are equal`);
      },
    },
  ];
}
