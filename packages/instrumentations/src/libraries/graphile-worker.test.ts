import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { runTask } from '@taskspan/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { FakePackages } from './fake-package.test.support.ts';
import { GraphileWorkerInstrumentation } from './graphile-worker.ts';

type Task = (payload: unknown, helpers: unknown) => unknown;

interface Worker {
  /** Works on one job as the library does. */
  work(job: Record<string, unknown>, helpers?: Record<string, unknown>): unknown;
  readonly tasks: Record<string, Task>;
}

interface Graphile {
  readonly jobs: Record<string, unknown>[];
  run(tasks: object): Worker;
  adder(): (identifier: string, payload?: unknown, spec?: object) => Promise<{ id: string }>;
  adders(): (specs: readonly object[]) => Promise<unknown>;
  addLocally(identifier: string, payload: unknown, spec?: object): Promise<{ id: string }>;
}

const FILES = {
  'dist/index.js': `
const worker_1 = require('./worker.js');
const helpers_1 = require('./helpers.js');
exports.jobs = helpers_1.jobs;
exports.run = (tasks) => worker_1.makeNewWorker({}, { tasks, continuous: false });
exports.adder = () => helpers_1.makeAddJob({});
exports.adders = () => helpers_1.makeAddJobs({});
exports.addLocally = helpers_1.addLocally;
`,
  'dist/worker.js': `
exports.makeNewWorker = function makeNewWorker(shared, { tasks, continuous }) {
  if (continuous !== false) throw new Error('options got lost');
  return { tasks, work: (job, helpers = {}) => tasks[job.task_identifier](job.payload, { job, ...helpers }) };
};
`,
  'dist/helpers.js': `
const jobs = exports.jobs = [];
function makeAddJob() {
  return async (identifier, payload, spec = {}) => {
    jobs.push({ identifier, payload, spec });
    return { id: String(jobs.length) };
  };
}
exports.makeAddJob = makeAddJob;
exports.makeAddJobs = () => async (specs) => { jobs.push(...specs); return specs.map(() => ({})); };
// As the library's helpers do: past what it exports.
exports.addLocally = makeAddJob();
`,
};

const RUN_AT = new Date('2024-05-01T10:00:00Z');

const jobOf = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: '42',
  task_identifier: 'mail',
  payload: { to: 'ada' },
  attempts: 1,
  max_attempts: 25,
  run_at: RUN_AT,
  flags: null,
  ...more,
});

describe('GraphileWorkerInstrumentation', () => {
  let packages: FakePackages;
  let recorded: RecordedRuns;
  let instrumentation: GraphileWorkerInstrumentation;
  let graphile: Graphile;

  beforeEach(() => {
    packages = new FakePackages();
    recorded = recordRuns();
    packages.install('graphile-worker', '0.17.3', FILES);
    instrumentation = new GraphileWorkerInstrumentation();
    graphile = packages.require('graphile-worker') as Graphile;
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
    packages.remove();
  });

  it('makes a run of each call of a task', async () => {
    const { work } = graphile.run({ mail: async (payload: unknown) => payload });
    const job = jobOf();
    assert.equal(await work(job), job['payload']);
    const run = recorded.run();
    assert.deepEqual(
      [run.operation, run.id, run.status, run.kind],
      ['mail', 'mail.42.1', 'success', SpanKind.CONSUMER],
    );
    assert.deepEqual(
      ['task.attempt', 'task.max_attempts', 'task.job.id', 'task.trigger', 'messaging.destination.name'].map(
        (key) => run.attributes[key],
      ),
      [1, 25, '42', 'queue', 'mail'],
    );
    assert.equal(run.started['task.enqueued_at'], RUN_AT.getTime() / 1000);
  });

  for (const [attempts, willRetry] of [
    [24, true],
    [25, false],
  ] as const) {
    it(`a throw on attempt ${attempts} of 25 is a failure; will_retry ${willRetry}`, async () => {
      const error = new RangeError('no');
      const { work } = graphile.run({
        mail: () => {
          throw error;
        },
      });
      assert.throws(
        () => work(jobOf({ attempts })),
        (thrown) => thrown === error,
      );
      const run = recorded.run();
      assert.deepEqual(
        [run.status, run.errorType, run.attributes['task.will_retry'], run.started['task.enqueued_at']],
        ['failure', 'RangeError', willRetry, undefined],
      );
    });
  }

  it('takes the slot of a schedule from the payload, and says when it was made up for', async () => {
    const { work } = graphile.run({ mail: () => undefined });
    await work(jobOf({ payload: { _cron: { ts: '2024-05-01T09:00:00.000Z', backfilled: true } } }));
    const { attributes, started } = recorded.run();
    assert.deepEqual(
      [attributes['task.trigger'], attributes['task.scheduled_at'], attributes['graphile_worker.backfilled']],
      ['schedule', Date.parse('2024-05-01T09:00:00Z') / 1000, true],
    );
    assert.equal(started['task.enqueued_at'], undefined);
  });

  describe('a job of several payloads', () => {
    const work = (result: unknown): unknown =>
      graphile.run({ mail: () => result }).work(jobOf({ payload: [1, 2], attempts: 25 }));

    it('succeeds when nothing is told of them', async () => {
      await work(undefined);
      await work([Promise.reject(new Error('one of too many')).catch(() => 1)]);
      assert.deepEqual(
        recorded.runs().map(({ status, attributes }) => [status, attributes['task.batch.size']]),
        [
          ['success', 2],
          ['success', 2],
        ],
      );
    });

    it('fails when a promise of one rejects, and lasts until then', async () => {
      let fail = (_error: Error): void => {};
      const late = new Promise((_, reject) => (fail = reject));
      const results = [Promise.resolve(1), late];
      const worked = work(results) as Promise<unknown>;
      await results[0];
      assert.deepEqual(recorded.runs(), []);
      fail(new TypeError('no'));
      assert.equal(await worked, results);
      const { status, errorType, attributes } = recorded.run();
      assert.deepEqual(
        [status, errorType, attributes['task.will_retry'], attributes['graphile_worker.batch.failed']],
        ['failure', 'TypeError', false, 1],
      );
    });
  });

  it('is cancelled when the work stops because the worker aborts it', async () => {
    const controller = new AbortController();
    const { work } = graphile.run({
      mail: async (_: unknown, { abortSignal }: { abortSignal: AbortSignal }) => {
        controller.abort();
        abortSignal.throwIfAborted();
      },
    });
    await assert.rejects(Promise.resolve(work(jobOf(), { abortSignal: controller.signal })));
    assert.equal(recorded.run().status, 'cancelled');
  });

  it('shows the list of tasks as it is, also when it is frozen or changes', () => {
    const mail = Object.assign(async function sendMail(_payload: unknown, _helpers: unknown): Promise<void> {}, {
      own: 1,
    });
    const list: Record<string, unknown> = { mail, constant: 7 };
    const { tasks } = graphile.run(list);
    const shown = tasks['mail'] as typeof mail;
    assert.deepEqual([shown.name, shown.length, shown.own], ['sendMail', 2, 1]);
    assert.equal(Object.prototype.toString.call(shown), '[object AsyncFunction]');
    assert.equal(tasks['mail'], shown);
    assert.deepEqual(Object.keys(tasks), ['mail', 'constant']);
    assert.deepEqual([tasks['constant'], 'mail' in tasks, tasks['none'], 'none' in tasks], [7, true, undefined, false]);
    list['later'] = mail;
    assert.deepEqual(Object.keys(tasks), ['mail', 'constant', 'later']);
    const frozen = graphile.run(Object.freeze({ mail })).tasks;
    assert.deepEqual(Object.entries(frozen), [['mail', frozen['mail']]]);
  });

  it('calls a task with what it was called with', async () => {
    const calls: unknown[][] = [];
    const { work } = graphile.run({
      mail(...args: unknown[]) {
        calls.push([this, ...args]);
      },
    });
    await work(jobOf(), { more: 1 });
    const [[self, payload, helpers] = []] = calls;
    assert.ok(self !== undefined);
    assert.deepEqual([payload, helpers], [{ to: 'ada' }, { job: jobOf(), more: 1 }]);
  });

  describe('the carrier', () => {
    const work = async (given: object): Promise<unknown> => {
      const { spec } = given as { spec: { flags?: string[] } };
      const flags = Object.fromEntries((spec.flags ?? []).map((flag) => [flag, true]));
      let seen: unknown;
      await graphile
        .run({ mail: (_: unknown, { job }: { job: { flags: unknown } }) => (seen = job.flags) })
        .work(jobOf({ flags }));
      return seen;
    };

    it('travels in the flags, and the task does not see it', async () => {
      const spec = Object.freeze({ flags: Object.freeze(['polite']), priority: 3 });
      assert.deepEqual(await graphile.adder()('mail', { to: 'ada' }, spec), { id: '1' });
      const [job] = graphile.jobs;
      assert.ok(job);
      assert.equal((job['spec'] as { priority: number }).priority, 3);
      assert.deepEqual(job['payload'], { to: 'ada' });
      const [sent] = recorded.enqueues();
      assert.deepEqual([sent?.name, sent?.attributes['messaging.message.id']], ['send mail', '1']);
      assert.deepEqual(await work(job), { polite: true });
      assert.deepEqual(
        recorded.run().links.map((link) => link.context.spanId),
        [sent?.spanContext().spanId],
      );
    });

    it('leaves no flags where there were none', async () => {
      await graphile.adder()('mail');
      const [job] = graphile.jobs;
      assert.equal(await work(job ?? {}), null);
    });

    it('never replaces one that is there', async () => {
      const spec = { flags: [`traceparent:00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`] };
      await graphile.adder()('mail', {}, spec);
      assert.equal(graphile.jobs[0]?.['spec'], spec);
    });

    it('goes with each of several', async () => {
      await graphile.adders()([
        { identifier: 'mail', payload: {} },
        { identifier: 'mail', flags: ['polite'] },
      ]);
      const [span] = recorded.enqueues();
      const flag = `traceparent:00-${span?.spanContext().traceId}-${span?.spanContext().spanId}-01`;
      assert.equal(span?.attributes['messaging.batch.message_count'], 2);
      assert.deepEqual(
        graphile.jobs.map(({ flags }) => flags),
        [[flag], ['polite', flag]],
      );
    });

    it('goes with what a task adds, below its run', async () => {
      const { work } = graphile.run({
        mail: async (_: unknown, { addJob }: { addJob: Graphile['addLocally'] }) => await addJob('thanks', {}),
      });
      for (const id of ['1', '2']) await work(jobOf({ id }), { addJob: graphile.addLocally });
      assert.deepEqual(
        recorded.enqueues().map((span) => span.parentSpanContext?.spanId),
        recorded.runs().map(({ span }) => span.spanContext().spanId),
      );
    });
  });

  it('restores what it has hooked', async () => {
    instrumentation.disable();
    const mail = (): void => {};
    assert.equal(graphile.run({ mail }).tasks['mail'], mail);
    await runTask('other', async () => await graphile.adder()('mail'));
    assert.deepEqual(recorded.enqueues(), []);
  });
});
