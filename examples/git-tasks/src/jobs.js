import { commit } from './operations/commit.js';
import { dumpRefs } from './operations/dump-refs.js';
import { gcPrepareCommits } from './operations/gc-prepare-commits.js';
import { merge } from './operations/merge.js';
import { restoreRefs } from './operations/restore-refs.js';

const COMMITS = 4;

/**
 * A morning in the life of a repository: people write, a snapshot is taken and restored, and the sweepers come by.
 *
 * @param {import('./job-queue.js').JobQueue} queue
 * @param {import('./workspace.js').Workspace} workspace
 */
export async function runJobs(queue, workspace) {
  await Promise.all([...submitWrites(queue, workspace), submitAbandonedDump(queue, workspace)]);
  await Promise.all([dumpAndRestore(queue, workspace), ...submitSweeps(queue, workspace)]);
}

/**
 * @param {import('./job-queue.js').JobQueue} queue
 * @param {import('./workspace.js').Workspace} workspace
 */
function submitWrites(queue, workspace) {
  const repository = workspace.name;
  const commits = Array.from({ length: COMMITS }, (_, index) =>
    queue.submit({
      operation: 'commit',
      label: `note ${index + 1}`,
      lane: 'write',
      user: 'alice',
      repository,
      work: commit(workspace, index + 1),
    }),
  );
  const clean = queue.submit({
    operation: 'merge',
    label: 'topic of bob',
    lane: 'write',
    user: 'bob',
    repository,
    work: merge(workspace, { topic: 'topic-of-bob', touchesTitle: false }),
  });
  const conflicting = queue.submit({
    operation: 'merge',
    label: 'topic of carol',
    lane: 'write',
    user: 'carol',
    repository,
    work: merge(workspace, { topic: 'topic-of-carol', touchesTitle: true }),
    expected: 'failure',
  });
  return [...commits, clean, conflicting];
}

/**
 * Its user takes the request back while git is packing.
 *
 * @param {import('./job-queue.js').JobQueue} queue
 * @param {import('./workspace.js').Workspace} workspace
 */
function submitAbandonedDump(queue, workspace) {
  const request = new AbortController();
  return queue.submit({
    operation: 'dump_refs',
    label: 'taken back',
    lane: 'read',
    user: 'dave',
    repository: workspace.name,
    signal: request.signal,
    work: dumpRefs(workspace, { name: 'taken-back', onPacking: () => request.abort() }),
    expected: 'cancelled',
  });
}

/**
 * @param {import('./job-queue.js').JobQueue} queue
 * @param {import('./workspace.js').Workspace} workspace
 */
async function dumpAndRestore(queue, workspace) {
  const about = /** @type {const} */ ({ lane: 'read', user: 'backup', repository: workspace.name });
  const work = dumpRefs(workspace, { name: 'snapshot' });
  const dump = await queue.submit({ ...about, operation: 'dump_refs', label: 'snapshot', work });
  if (dump.status !== 'success') return;
  const [refs, bundle] = /** @type {[string[], string]} */ (dump.value);
  const restore = restoreRefs(workspace, { refs, bundle });
  await queue.submit({ ...about, operation: 'restore_refs', label: 'from snapshot', work: restore });
}

/**
 * The second one has to be done within a millisecond of its submission, which no walk through a repository is: it does
 * its work, too late.
 *
 * @param {import('./job-queue.js').JobQueue} queue
 * @param {import('./workspace.js').Workspace} workspace
 */
function submitSweeps(queue, workspace) {
  const about = /** @type {const} */ ({
    operation: 'gc_prepare_commits',
    lane: 'read',
    user: 'sweeper',
    repository: workspace.name,
  });
  return [
    queue.submit({ ...about, label: 'weekly', work: gcPrepareCommits(workspace) }),
    queue.submit({
      ...about,
      label: 'before the deadline',
      work: gcPrepareCommits(workspace),
      withinMs: 1,
      expected: 'expired',
    }),
  ];
}
