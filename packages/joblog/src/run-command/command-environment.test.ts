import assert from 'node:assert/strict';
import type { RunInfo } from '@taskspan/core/hub';
import { describe, it } from 'mocha';
import { commandEnvironment, givenRunId } from './command-environment.ts';

describe('givenRunId', () => {
  for (const [what, env, id] of [
    ['nothing', {}, undefined],
    ['the variable', { TASKSPAN_RUN_ID: 'a' }, 'a'],
    ['the older one', { DATABUILD_JOB_RUN_ID: 'b' }, 'b'],
    ['both', { TASKSPAN_RUN_ID: 'a', DATABUILD_JOB_RUN_ID: 'b' }, 'a'],
    ['empty ones', { TASKSPAN_RUN_ID: '', DATABUILD_JOB_RUN_ID: '' }, undefined],
    ['that of the run above', { TASKSPAN_TASK_ID: 'up', DATABUILD_JOB_RUN_ID: 'up' }, undefined],
    ['another than that of the run above', { TASKSPAN_TASK_ID: 'up', DATABUILD_JOB_RUN_ID: 'b' }, 'b'],
  ] as const) {
    it(`of ${what} is ${id}`, () => assert.equal(givenRunId(env), id));
  }
});

describe('commandEnvironment', () => {
  const info = { runId: '00000000000000aa' } as RunInfo;
  const variables = { TRACEPARENT: '00-1-2-01', TRACESTATE: undefined, TASKSPAN_TASK_ID: 'id' };

  it('tells of the run, and of no other', () => {
    const outer = { TASKSPAN_TASK_ID: 'up', TASKSPAN_TASK_RUN: 'up', DATABUILD_JOB_RUN_ID: 'up', TRACEPARENT: 'up' };
    assert.deepEqual(
      commandEnvironment({ ...outer, TRACESTATE: 'up', TASKSPAN_RUN_ID: 'id', HOME: '/h' }, { info, variables }),
      {
        HOME: '/h',
        TASKSPAN_TASK_ID: 'id',
        DATABUILD_JOB_RUN_ID: 'id',
        TASKSPAN_TASK_RUN: '00000000000000aa',
        TRACEPARENT: '00-1-2-01',
      },
    );
  });

  it('leaves the trace to the caller where there is no span', () => {
    const told = commandEnvironment(
      { TRACEPARENT: 'up', TRACESTATE: 's' },
      { info, variables: { ...variables, TRACEPARENT: undefined } },
    );
    assert.deepEqual([told['TRACEPARENT'], told['TRACESTATE']], ['up', 's']);
  });

  it('is that of the caller when nothing keeps runs', () => {
    assert.deepEqual(commandEnvironment({ A: '1', B: undefined, TASKSPAN_RUN_ID: 'x' }, undefined), {
      A: '1',
      TASKSPAN_RUN_ID: 'x',
    });
  });
});
