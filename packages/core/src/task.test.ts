import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runTask, runTaskSteps } from './run-task.ts';
import type { Task, TaskOptions } from './task.ts';

/** Compiles only when the two are the same type. */
function sameType<A, B>(..._proof: [A] extends [B] ? ([B] extends [A] ? [] : [never]) : [never]): void {}

describe('the types of a task', () => {
  it('keep the type of what the work returns', async () => {
    const value = runTask('op', () => 1);
    sameType<typeof value, number>();
    const promised = runTask('op', async () => 'x');
    sameType<typeof promised, Promise<string>>();
    const results = runTaskSteps('op', [
      { name: 'a', run: () => 1 },
      { name: 'b', run: async () => 'x' },
    ]);
    sameType<Awaited<typeof results>, [number, string]>();
    assert.deepEqual([value, await promised, await results], [1, 'x', [1, 'x']]);
  });

  it('take options that are undefined, and any logger of that shape', () => {
    const options: TaskOptions = { id: undefined, logger: console, deadline: new Date(), attempt: undefined };
    const work: (task: Task) => string = (task) => task.operation;
    assert.equal(runTask('op', work, { ...options, logger: undefined }), 'op');
  });
});
