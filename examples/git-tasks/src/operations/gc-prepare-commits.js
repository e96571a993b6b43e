import { logger } from '../logger.js';

/** The search did not find a commit that is known to be unreachable. */
class CommitNotFound extends Error {
  name = 'CommitNotFound';
}

/**
 * Walks all commits and lists those that no ref reaches: what a garbage collection would take. One such commit is made
 * first, so that there is something to find in any repository.
 *
 * @param {import('../workspace.js').Workspace} workspace
 * @returns {(run: import('../job-queue.js').JobRun) => Promise<string[]>} ids of the unreachable commits
 */
export function gcPrepareCommits(workspace) {
  return async ({ task, progress }) => {
    const { signal } = task;
    const abandoned = await task.step('abandon_commit', () =>
      workspace.git(['commit-tree', '-p', 'HEAD', '-m', 'Abandoned', 'HEAD^{tree}'], { signal }),
    );
    progress(0.1, 'one commit abandoned');

    await task.step('walk_commits', async () => {
      const total = Number(await workspace.git(['rev-list', '--all', '--count'], { signal }));
      let walked = 0;
      await workspace.git(['rev-list', '--all', '--parents'], {
        signal,
        onLine: () => {
          walked += 1;
          if (walked % 100 === 0 || walked === total)
            progress(0.1 + (0.5 * walked) / total, `${walked} of ${total} commits`);
        },
      });
      task.metric('reachable_commits', walked, { unit: '{commit}' });
    });

    return await task.step('find_unreachable', async () => {
      /** @type {string[]} */
      const unreachable = [];
      await workspace.git(['fsck', '--unreachable', '--no-reflogs', '--connectivity-only', '--no-progress'], {
        signal,
        onLine: (line) => {
          const id = /^unreachable commit ([0-9a-f]+)$/.exec(line)?.[1];
          if (id !== undefined) unreachable.push(id);
        },
      });
      if (!unreachable.includes(abandoned)) throw new CommitNotFound(`${abandoned} is unreachable and was not found`);
      task.metric('unreachable_commits', unreachable.length, { unit: '{commit}' });
      logger.info(`${unreachable.length} unreachable commits`, { commits: unreachable.slice(0, 100) });
      progress(1, `${unreachable.length} unreachable`);
      return unreachable;
    });
  };
}
