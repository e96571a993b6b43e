import assert from 'node:assert/strict';
import type { JobLogFile, JobLogTree } from './job-log-tree.ts';

/**
 * Throws unless the tree is as promised for runs that have files of their own: each file whole and of one run id, each
 * run in one file, from `task.started` to `task.ended`, no record missing and none twice.
 *
 * @returns ids of the runs, sorted
 */
export function assertWholeRuns(tree: JobLogTree): string[] {
  assert.deepEqual(tree.broken, [], 'every line is a whole batch');
  const fileOfRun = new Map<string, string>();
  for (const file of tree.files) {
    if (isShared(file)) continue;
    const [run, ...others] = new Set(file.records.map(({ attributes }) => String(attributes['task.id'])));
    assert.ok(run !== undefined, `${file.path} has no record`);
    assert.deepEqual(others, [], `${file.path} holds the records of one run`);
    assert.equal(fileOfRun.get(run), undefined, `${run} has one file`);
    fileOfRun.set(run, file.path);
    assertWholeRun(file);
  }
  return [...fileOfRun.keys()].sort();
}

/** True for the files of many runs, and of none. */
function isShared({ path }: JobLogFile): boolean {
  return /(^|[\\/])_(process|\d\d)\b[^\\/]*$/.test(path);
}

function assertWholeRun({ path, records }: JobLogFile): void {
  const events = records.map(({ eventName }) => eventName);
  if (events.includes('task.orphaned')) return;
  assert.ok(events.includes('task.started'), `${path} has task.started`);
  assert.ok(events.includes('task.ended'), `${path} has task.ended`);
  const sequence = records
    .map(({ attributes }) => Number(attributes['task.sequence']))
    .sort((one, other) => one - other);
  assert.deepEqual(
    sequence,
    sequence.map((_, at) => at + 1),
    `${path}: task.sequence is 1, 2, 3...`,
  );
}
