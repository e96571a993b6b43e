import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike } from './scenario.ts';
import type { Run } from './task-runs.ts';

/** Activities as a worker runs them, without a server: with the interceptors that its options had in the end. */
const BODY = `
const options = await new Promise((resolve) => {
  const plugin = { name: 'seen', configureWorker: (seen) => { resolve(seen); throw new Error('there is no server'); } };
  Worker.create({ taskQueue: 'payments', plugins: [plugin] }).catch((error) => console.log(error.message));
});
const quiet = () => {};
const logger = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
const environment = (info) => new MockActivityEnvironment(
  { taskQueue: 'payments', workflowExecution: { workflowId: 'order-7', runId: 'run-1' }, workflowType: 'checkout', ...info },
  { logger, interceptors: options.interceptors?.activity ?? [] },
);
const attempt = async (info, work, during) => {
  const env = environment(info);
  const result = env.run(work, 7);
  during?.(env);
  console.log(await result.catch((error) => error.name + ': ' + error.message));
};
const retryPolicy = { maximumAttempts: 2 };
await attempt({ activityId: '1', activityType: 'charge', scheduledTimestampMs: Date.now() - 2000 }, async (amount) => {
  console.log('charging', amount);
  return 'charged ' + amount;
});
await attempt({ activityId: '2', activityType: 'refuse', attempt: 1, retryPolicy }, async () => { throw new RangeError('x'); });
await attempt({ activityId: '2', activityType: 'refuse', attempt: 2, retryPolicy }, async () => { throw new RangeError('x'); });
await attempt({ activityId: '3', activityType: 'expire', retryPolicy }, async () => { throw ApplicationFailure.nonRetryable('x', 'CardExpired'); });
await attempt({ activityId: '4', activityType: 'answerLater' }, async () => { throw new CompleteAsyncError(); });
await attempt({ activityId: '5', activityType: 'wait' }, async () => await Context.current().cancelled, (env) => env.cancel('CANCELLED'));
await attempt({ activityId: '6', activityType: 'wait' }, async () => await Context.current().cancelled, (env) => env.cancel('TIMED_OUT'));
await attempt({ activityId: '7', activityType: 'wait' }, async () => await Context.current().cancelled, (env) =>
  env.cancel('CANCELLED', { paused: true }));
process.exit(0);
`;

const FILES = {
  'app.mjs': `
import { Worker } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure, CompleteAsyncError, Context } from '@temporalio/activity';
${BODY}`,
  'app.cjs': `
const { Worker } = require('@temporalio/worker');
const { MockActivityEnvironment } = require('@temporalio/testing');
const { ApplicationFailure, CompleteAsyncError, Context } = require('@temporalio/activity');
(async () => {${BODY}})();`,
};

const told = ({ taskId, operation, status, errorType, willRetry }: Run): string =>
  [taskId, operation, status, errorType, willRetry].filter((one) => one !== undefined).join(' ');

describe('temporal', () => {
  for (const { lane, title } of lanesOf('@temporalio/worker')) {
    for (const main of mainsOf(lane)) {
      it(`${title}, ${main}: each attempt of an activity is a run`, async () => {
        const { runs } = await runAlike({ lane, files: FILES, main, env: { TASKSPAN_CONSOLE: 'on' } });
        assert.deepEqual(runs.map(told), [
          'payments.run-1.1.1 charge success',
          'payments.run-1.2.1 refuse failure RangeError true',
          'payments.run-1.2.2 refuse failure RangeError false',
          'payments.run-1.3.1 expire failure CardExpired false',
          'payments.run-1.4.1 answerLater deferred',
          'payments.run-1.5.1 wait cancelled aborted',
          'payments.run-1.6.1 wait failure timeout',
          'payments.run-1.7.1 wait deferred',
        ]);
        const [first] = runs;
        assert.deepEqual(
          first?.logLines.map(({ body }) => body),
          ['charging 7'],
        );
        assert.deepEqual([first?.kind, first?.attributes['messaging.system']], ['CONSUMER', 'temporal']);
        const wait = (first?.span?.startMs ?? 0) / 1000 - Number(first?.startedAttributes['task.enqueued_at']);
        assert.ok(wait >= 2 && wait < 60, `${wait} s`);
      });
    }
  }
});
