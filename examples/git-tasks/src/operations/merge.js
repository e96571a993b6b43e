import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GitError } from '../git.js';
import { logger } from '../logger.js';

/** Two branches changed the same lines. */
class MergeConflict extends Error {
  name = 'MergeConflict';

  /** @param {readonly string[]} files */
  constructor(files) {
    super(`conflict in ${files.join(', ')}`);
    this.files = files;
  }
}

/**
 * Makes a topic branch with one commit, then merges it. A topic that touches the title of the index, which the work
 * branch changes as well, conflicts.
 *
 * @param {import('../workspace.js').Workspace} workspace
 * @param {{topic: string, touchesTitle: boolean}} options
 * @returns {import('../job-queue.js').JobStep[]}
 */
export function merge(workspace, { topic, touchesTitle }) {
  const name = basename(workspace.notes);
  const branch = `${name}/${topic}`;
  const work = `${name}/work`;
  const index = join(workspace.notes, 'index.md');
  const own = join(workspace.notes, `${topic}.md`);
  return [
    {
      name: 'prepare_branch',
      run: async ({ task, progress }) => {
        const { signal } = task;
        await workspace.git(['checkout', '--quiet', '-b', branch], { signal });
        if (touchesTitle) await retitle(index, `Notes of ${topic}`);
        else await writeFile(own, `# ${topic}\n`);
        await commitAll(workspace, `Work on ${topic}`, signal);
        await workspace.git(['checkout', '--quiet', work], { signal });
        if (touchesTitle) {
          await retitle(index, 'Notes of everybody');
          await commitAll(workspace, 'Another title', signal);
        }
        progress(0.5, `${topic} is ready`);
      },
    },
    {
      name: 'merge',
      run: async ({ task, progress }) => {
        await mergeBranch(workspace, branch, task.signal);
        progress(1, `merged ${topic}`);
      },
    },
  ];
}

/**
 * @param {import('../workspace.js').Workspace} workspace
 * @param {string} branch
 * @param {AbortSignal} signal
 */
async function mergeBranch(workspace, branch, signal) {
  try {
    await workspace.git(['merge', '--no-ff', '--quiet', '-m', `Merge ${branch}`, branch], { signal });
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const unmerged = await workspace.git(['diff', '--name-only', '--diff-filter=U'], { signal });
    if (unmerged === '') throw error;
    const files = unmerged.split('\n');
    logger.warn(`merge of ${branch}: conflict in ${files.length} file`, { files });
    await workspace.git(['merge', '--abort'], { signal });
    throw new MergeConflict(files);
  }
}

/**
 * @param {string} file
 * @param {string} title
 */
async function retitle(file, title) {
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/^# .*/, `# ${title}`));
}

/**
 * @param {import('../workspace.js').Workspace} workspace
 * @param {string} message
 * @param {AbortSignal} signal
 */
async function commitAll(workspace, message, signal) {
  await workspace.git(['add', '--force', '--', basename(workspace.notes)], { signal });
  await workspace.git(['commit', '--quiet', '-m', message], { signal });
}
