import { appendFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * Changes files of the clone and commits them.
 *
 * @param {import('../workspace.js').Workspace} workspace
 * @param {number} number which note this is
 * @returns {import('../job-queue.js').JobStep[]}
 */
export function commit(workspace, number) {
  const name = basename(workspace.notes);
  return [
    {
      name: 'change_files',
      run: async ({ progress }) => {
        await writeFile(
          join(workspace.notes, `note-${number}.md`),
          `# Note ${number}\n\nWritten ${new Date().toISOString()}\n`,
        );
        await appendFile(join(workspace.notes, 'index.md'), `- note ${number}\n`);
        progress(0.3, 'two files changed');
      },
    },
    {
      name: 'add',
      run: async ({ task, progress }) => {
        // Forced: the repository may ignore any name.
        await workspace.git(['add', '--force', '--', name], { signal: task.signal });
        progress(0.6, 'staged');
      },
    },
    {
      name: 'commit',
      run: async ({ task, progress }) => {
        await workspace.git(['commit', '--quiet', '-m', `Note ${number}`], { signal: task.signal });
        const id = await workspace.git(['rev-parse', 'HEAD'], { signal: task.signal });
        task.addOutput(`commit:${id}`);
        progress(1, `committed ${id.slice(0, 10)}`);
      },
    },
  ];
}
