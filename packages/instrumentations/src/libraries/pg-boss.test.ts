import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { SpanKind } from '@opentelemetry/api';
import { runTask } from '@taskspan/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { FakePackages } from './fake-package.test.support.ts';
import { PgBossInstrumentation } from './pg-boss.ts';

type Handler = (given: unknown) => unknown;

interface Boss {
  work(name: string, ...rest: unknown[]): { readonly options: Record<string, unknown>; readonly handler: Handler };
  send(...args: unknown[]): Promise<string | null>;
  insert(...args: unknown[]): Promise<unknown>;
  fail(...args: unknown[]): Promise<unknown>;
  readonly sent: unknown[][];
  readonly manager?: { workers: Map<string, { jobs: unknown[] }> };
}

/** What is hooked of version 12: methods of the exported class. */
const SOURCE_12 = `
class PgBoss {
  sent = [];
  work(name, ...args) { const handler = args.pop(); return { options: args[0], handler }; }
  async send(...args) { this.sent.push(args); return args[2]?.throttled ? null : 'id-' + this.sent.length; }
  sendAfter(...args) { return this.send(...args); }
  sendThrottled(...args) { return this.send(...args); }
  sendDebounced(...args) { return this.send(...args); }
  publish(...args) { return this.send(...args); }
  async upsert(...args) { this.sent.push(args); return { jobs: ['upserted'] }; }
  async insert(...args) { this.sent.push(args); return null; }
  async flow(...args) { this.sent.push(args); return {}; }
}
exports.PgBoss = PgBoss;
`;

/** Until 11: functions of the manager, copied by their names. */
const SOURCE_10 = {
  'src/index.js': `
const Manager = require('./manager.js');
module.exports = class PgBoss {
  constructor() {
    this.manager = new Manager();
    this.sent = this.manager.sent;
    for (const func of this.manager.functions) this[func.name] = (...args) => func.apply(this.manager, args);
  }
};`,
  'src/manager.js': `
class Manager {
  constructor() {
    this.sent = [];
    this.workers = new Map();
    this.functions = [this.work, this.fail, this.send, this.sendAfter, this.sendThrottled, this.sendDebounced, this.insert];
  }
  work(name, ...args) { const handler = args.pop(); return { options: args[0], handler }; }
  async fail(name, ids, error) { return { failed: ids, error }; }
  async send(...args) { this.sent.push(args); return 'id-' + this.sent.length; }
  sendAfter(...args) { return this.send(...args); }
  sendThrottled(...args) { return this.send(...args); }
  sendDebounced(...args) { return this.send(...args); }
  async insert(...args) { this.sent.push(args); return null; }
}
module.exports = Manager;`,
};

const CREATED = new Date('2024-05-01T10:00:00Z');

/** A row of version 10 and later as \`includeMetadata\` gives it: the columns of everybody first. */
const rowOf = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'b7c1',
  name: 'mail',
  data: { to: 'ada' },
  expireInSeconds: 900,
  policy: 'standard',
  retryLimit: 2,
  retryCount: 0,
  startAfter: CREATED,
  createdOn: CREATED,
  output: null,
  ...more,
});

describe('PgBossInstrumentation', () => {
  let packages: FakePackages;
  let recorded: RecordedRuns;
  let instrumentation: PgBossInstrumentation;

  function boss(version: '10.4.2' | '12.35.0', config?: { carrier: 'data' }): Boss {
    packages.install('pg-boss', version, version === '10.4.2' ? SOURCE_10 : { 'dist/index.js': SOURCE_12 });
    instrumentation = new PgBossInstrumentation(config);
    const loaded = packages.require('pg-boss') as { PgBoss?: new () => Boss } & (new () => Boss);
    return new (loaded.PgBoss ?? loaded)();
  }

  beforeEach(() => {
    packages = new FakePackages();
    recorded = recordRuns();
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
    packages.remove();
  });

  for (const version of ['10.4.2', '12.35.0'] as const) {
    describe(version, () => {
      it('makes a run of each call of a handler', async () => {
        const seen: unknown[] = [];
        const { handler } = boss(version).work('mail', async (jobs: unknown[]) => {
          seen.push(...jobs);
          return 'sent';
        });
        assert.equal(await handler([rowOf()]), 'sent');
        const run = recorded.run();
        assert.deepEqual(
          [run.operation, run.id, run.status, run.kind],
          ['mail', 'mail.b7c1.1', 'success', SpanKind.CONSUMER],
        );
        assert.deepEqual(
          ['task.attempt', 'task.max_attempts', 'task.job.id', 'task.trigger', 'messaging.destination.name'].map(
            (key) => run.attributes[key],
          ),
          [1, 3, 'b7c1', 'queue', 'mail'],
        );
        assert.equal(run.started['task.enqueued_at'], CREATED.getTime() / 1000);
        // What was asked for on the way is gone again.
        assert.deepEqual(seen, [{ id: 'b7c1', name: 'mail', data: { to: 'ada' }, expireInSeconds: 900 }]);
      });

      it('waits from when a job was due, and on its first attempt only', async () => {
        const { handler } = boss(version).work('mail', () => undefined);
        const due = new Date(CREATED.getTime() + 60_000);
        await handler([rowOf({ startAfter: due })]);
        await handler([rowOf({ retryCount: 1 })]);
        assert.deepEqual(
          recorded.runs().map(({ started }) => started['task.enqueued_at']),
          [due.getTime() / 1000, undefined],
        );
      });

      it('keeps metadata for a handler that asked for it', async () => {
        const { handler, options } = boss(version).work(
          'mail',
          { includeMetadata: true, batchSize: 2 },
          (jobs: unknown) => jobs,
        );
        assert.deepEqual(options, { includeMetadata: true, batchSize: 2 });
        assert.deepEqual(await handler([rowOf()]), [rowOf()]);
      });

      it('hands on a handler of the same looks', () => {
        const given = Object.assign(async function sendMail(_jobs: unknown): Promise<void> {}, { own: 1 });
        const { handler } = boss(version).work('mail', given);
        assert.deepEqual([handler.name, handler.length, (handler as typeof given).own], ['sendMail', 1, 1]);
        assert.equal(Object.prototype.toString.call(handler), '[object AsyncFunction]');
      });

      it('leaves calls alone that are none, its own queues, and what the library refuses', () => {
        const made = boss(version);
        const own = (): void => {};
        assert.equal(made.work('__pgboss__send-it', own).handler, own);
        assert.equal(made.work('mail', { includeMetadata: 'yes' }, own).handler, own);
        assert.equal(made.work('mail', 7, own).handler, own);
      });

      for (const [retryCount, willRetry] of [
        [1, true],
        [2, false],
      ] as const) {
        it(`a throw after ${retryCount} retries of 2 is a failure; will_retry ${willRetry}`, async () => {
          const error = new RangeError('no');
          const { handler } = boss(version).work('mail', async () => {
            throw error;
          });
          await assert.rejects(Promise.resolve(handler([rowOf({ retryCount })])), (thrown) => thrown === error);
          const run = recorded.run();
          assert.deepEqual(
            [run.status, run.errorType, run.attributes['task.will_retry']],
            ['failure', 'RangeError', willRetry],
          );
        });
      }

      it('makes of a batch one run for each job, one of them active', async () => {
        const { handler } = boss(version).work('mail', async () => await runTask('inner', () => undefined));
        await handler([rowOf(), rowOf({ id: 'c8' })]);
        const runs = recorded.runs().filter(({ operation }) => operation === 'mail');
        assert.deepEqual(
          runs.map(({ id, attributes }) => [id, attributes['task.batch.size']]),
          [
            ['mail.b7c1.1', 2],
            ['mail.c8.1', 2],
          ],
        );
      });

      it('tells of what is enqueued, by its id', async () => {
        const made = boss(version);
        assert.equal(await made.send('mail', { to: 'ada' }), 'id-1');
        await made.send({ name: 'mail', data: { to: 'ada' } });
        await made.send('__pgboss__cron');
        const spans = recorded.enqueues();
        assert.deepEqual(
          spans.map(({ name, attributes }) => [name, attributes['messaging.message.id']]),
          [
            ['send mail', 'id-1'],
            ['send mail', 'id-2'],
          ],
        );
        assert.deepEqual(made.sent, [
          ['mail', { to: 'ada' }],
          [{ name: 'mail', data: { to: 'ada' } }],
          ['__pgboss__cron'],
        ]);
      });

      it('lets the carrier travel in the data where that is wanted', async () => {
        const made = boss(version, { carrier: 'data' });
        const data = { to: 'ada' };
        await made.send('mail', data);
        await made.send({ name: 'mail', data });
        await made.send('mail', null);
        await made.send('mail', [data]);
        const [plain, object, empty, list] = made.sent;
        assert.deepEqual([data, empty, list], [{ to: 'ada' }, ['mail', null], ['mail', [{ to: 'ada' }]]]);
        const [first, second] = recorded.enqueues().map((span) => span.spanContext());
        const { handler } = made.work('mail', (jobs: { data: unknown }[]) => jobs.map((job) => job.data));
        const copies = [plain?.[1], (object?.[0] as { data: unknown } | undefined)?.data].map((sent) =>
          structuredClone(sent),
        );
        assert.deepEqual(await handler(copies.map((sent, at) => rowOf({ id: `j${at}`, data: sent }))), [data, data]);
        assert.deepEqual(
          recorded.runs().map(({ links }) => links.map((link) => link.context.spanId)),
          [[first?.spanId], [second?.spanId]],
        );
      });

      it('restores what it has hooked', async () => {
        const made = boss(version);
        instrumentation.disable();
        const handler = (): void => {};
        assert.equal(made.work('mail', handler).handler, handler);
        await made.send('mail');
        assert.deepEqual(recorded.enqueues(), []);
      });
    });
  }

  it('10: a job that its worker has given up on has failed by timeout, while its handler goes on', async () => {
    const made = boss('10.4.2');
    const job = rowOf({ retryCount: 2 });
    let finish = (): void => {};
    const { handler } = made.work('mail', () => new Promise<void>((resolve) => (finish = resolve)));
    const handled = handler([job]) as Promise<void>;
    made.manager?.workers.set('w', { jobs: [job] });
    await made.fail('mail', ['b7c1'], new Error('handler execution exceeded 900000ms'));
    const run = recorded.run();
    assert.deepEqual([run.status, run.errorType, run.attributes['task.will_retry']], ['failure', 'timeout', false]);
    finish();
    await handled;
    assert.equal(recorded.runs().length, 1);
    assert.deepEqual(recorded.run().lines, ['the handler returned after its run had ended']);
  });

  it('10: what a shutdown cuts off is cancelled', async () => {
    const made = boss('10.4.2');
    const job = rowOf();
    const { handler } = made.work('mail', () => new Promise(() => {}));
    void handler([job]);
    made.manager?.workers.set('w', { jobs: [job] });
    await made.fail('mail', ['b7c1'], 'pg-boss shut down while active');
    const run = recorded.run();
    assert.deepEqual([run.status, run.errorType, run.attributes['task.will_retry']], ['cancelled', 'aborted', true]);
  });

  it('8: columns of lower case, one job instead of a list', async () => {
    const { handler } = boss('10.4.2').work('mail.*', (job: unknown) => job);
    const { name, ...rest } = { id: 'b7c1', name: 'mail.eu', data: null, expire_in_seconds: '900' };
    const row = { ...rest, name, priority: 0, retrylimit: 1, retrycount: 1, createdon: CREATED, startafter: CREATED };
    assert.deepEqual(await handler(row), { ...rest, name });
    const run = recorded.run();
    assert.deepEqual([run.operation, run.id, run.attributes['task.max_attempts']], ['mail.eu', 'mail.eu.b7c1.2', 2]);
  });

  it('12: a signal that fires when the time is over is a timeout, before that it is an abort', async () => {
    const { handler } = boss('12.35.0').work('mail', () => new Promise(() => {}));
    const signals = [new AbortController(), new AbortController()];
    const [short, long] = signals;
    void handler([rowOf({ id: 'short', expireInSeconds: 1, signal: short?.signal })]);
    void handler([rowOf({ id: 'long', expireInSeconds: 900, signal: long?.signal })]);
    await sleep(1000);
    for (const controller of signals) controller.abort();
    assert.deepEqual(
      recorded.runs().map(({ id, status, errorType }) => [id, status, errorType]),
      [
        ['mail.short.1', 'failure', 'timeout'],
        ['mail.long.1', 'cancelled', 'aborted'],
      ],
    );
  });

  it('12.0: without a signal, a timer tells that the time is over', async () => {
    const { handler } = boss('12.35.0').work('mail', () => sleep(1100));
    await Promise.all([handler([rowOf({ expireInSeconds: 1 })]), handler([rowOf({ id: 'c8' })])]);
    assert.deepEqual(
      recorded.runs().map(({ id, status, errorType }) => [id, status, errorType]),
      [
        ['mail.b7c1.1', 'failure', 'timeout'],
        ['mail.c8.1', 'success', undefined],
      ],
    );
  });

  it('12: a signal that fires after every end changes nothing', async () => {
    const controller = new AbortController();
    const { handler } = boss('12.35.0').work('mail', async () => 'sent');
    const handled = handler([rowOf({ signal: controller.signal })]) as Promise<string>;
    await Promise.race([handled]);
    controller.abort();
    assert.deepEqual([recorded.run().status, recorded.run().lines], ['success', []]);
  });

  it('12: a handler may tell the end of each job by itself', async () => {
    const results = [
      { id: 'done', status: 'completed' },
      { id: 'error', status: 'failed', output: new TypeError('no') },
      { id: 'failed', status: 'failed', output: 'no' },
      { id: 'dead', status: 'deadletter' },
      { id: 'stranger', status: 'completed' },
      null,
    ];
    const { handler } = boss('12.35.0').work('mail', { perJobResults: true, batchSize: 9 }, async () => results);
    const jobs = ['done', 'error', 'failed', 'dead', 'left-out'].map((id) => rowOf({ id }));
    assert.equal(await handler(jobs), results);
    assert.deepEqual(
      recorded
        .runs()
        .map(({ attributes, status, errorType }) => [
          attributes['task.job.id'],
          status,
          errorType,
          attributes['task.will_retry'],
        ]),
      [
        ['done', 'success', undefined, undefined],
        ['error', 'failure', 'TypeError', true],
        ['failed', 'failure', 'failed', true],
        ['dead', 'failure', 'deadletter', false],
        ['left-out', 'failure', 'no_result', true],
      ],
    );
  });

  it('12: no list of results at all fails the whole batch', async () => {
    const { handler } = boss('12.35.0').work('mail', { perJobResults: true }, async () => undefined);
    await handler([rowOf()]);
    assert.equal(recorded.run().status, 'failure');
  });

  it('12: several jobs in one call are one span that counts them', async () => {
    const made = boss('12.35.0', { carrier: 'data' });
    await made.insert('mail', [{ data: { to: 'ada' } }, { id: 'x' }], { db: undefined });
    const [span] = recorded.enqueues();
    assert.deepEqual([span?.name, span?.attributes['messaging.batch.message_count']], ['send mail', 2]);
    const [, jobs] = made.sent[0] as [string, { data?: { __taskspan?: unknown } }[]];
    assert.deepEqual([typeof jobs[0]?.data?.__taskspan, jobs[1]], ['object', { id: 'x' }]);
  });
});
