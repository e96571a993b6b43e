import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes all refs, with every object they reach, to one bundle file.
 *
 * @param {import('../workspace.js').Workspace} workspace
 * @param {{name: string, onPacking?: () => void}} options `onPacking` is called while git writes the bundle
 * @returns {import('../job-queue.js').JobStep[]} the first step returns the refs, the second the path of the bundle
 */
export function dumpRefs(workspace, { name, onPacking }) {
  const bundle = join(workspace.folder, `${name}.bundle`);
  return [
    {
      name: 'list_refs',
      run: async ({ task, progress }) => {
        const refs = await listRefs(workspace, { signal: task.signal });
        progress(0.1, `${refs.length} refs`);
        return refs;
      },
    },
    {
      name: 'pack',
      run: async ({ task, progress }) => {
        await workspace.git(['bundle', 'create', '--progress', bundle, '--all'], {
          signal: task.signal,
          onSpawned: onPacking,
          onProgress: (share) => progress(0.1 + 0.7 * share, 'packing objects'),
        });
        return bundle;
      },
    },
    {
      name: 'verify',
      run: async ({ task, progress }) => {
        await workspace.git(['bundle', 'verify', '--quiet', bundle], { signal: task.signal });
        const { size } = await stat(bundle);
        task.addOutput(`bundle:${name}`);
        task.metric('bundle_size', size, { unit: 'By' });
        progress(1, `${size} bytes`);
      },
    },
  ];
}

/**
 * @param {import('../workspace.js').Workspace} workspace
 * @param {import('../workspace.js').GitCall} options
 * @returns {Promise<string[]>} `<object id> <name>` of every ref, sorted by name
 */
export async function listRefs(workspace, options) {
  const refs = await workspace.git(['for-each-ref', '--format=%(objectname) %(refname)'], options);
  return refs === '' ? [] : refs.split('\n');
}
