import assert from 'node:assert/strict';
import { context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { startTask } from '@taskspan/core';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { BullMQInstrumentation } from './bullmq.ts';
import { FakePackages } from './fake-package.test.support.ts';

/** What is hooked, in the shape of 6; `failed` and `added` keep what arrived there. */
const ENTRY = `
const { Job } = require('./dist/cjs/classes/job.js');
exports.Job = Job;
exports.Worker = class Worker {
  constructor(name, processFn, opts = {}) { Object.assign(this, { name, processFn, opts }); }
  callProcessJob(job, token, signal) { return this.processFn(job, token, signal); }
  notifyFailedJobs(jobs) { return jobs.length; }
};
exports.JobScheduler = class JobScheduler {
  constructor(next, repeatStrategy) { Object.assign(this, { next, repeatStrategy }); }
  async upsertJobScheduler(id, repeat, name, data, opts) { return this.next; }
};
exports.Repeat = class Repeat {
  constructor(next) { this.next = next; }
  async addNextRepeatableJob(name, data, opts) { return this.next; }
};
exports.QueueScheduler = class QueueScheduler {
  constructor(name) { this.name = name; }
  emit(...args) { return args; }
};
exports.Queue = class Queue {
  constructor(name, jobsOpts) { Object.assign(this, { name, jobsOpts, added: [] }); }
  async add(name, data, opts) {
    if (name === 'refused') throw new RangeError('refused');
    this.added.push(opts);
    return { id: '7', name, data, opts };
  }
  async addBulk(jobs) { this.added.push(...jobs); return jobs; }
};
exports.FlowProducer = class FlowProducer {
  async add(flow, opts) { this.flow = flow; this.opts = opts; return { job: { id: '8' } }; }
  async addBulk(flows) { this.flows = flows; return []; }
};
`;

const JOB = `
exports.Job = class Job {
  constructor(json) { Object.assign(this, json); }
  async moveToFailed(error) {
    if (this.lockLost) throw new Error('Missing lock');
    this.attemptsMade += 1;
    if (this.isLast) this.finishedOn = 1;
  }
  asJSONSandbox() { return { id: this.id, data: '{}' }; }
};
`;

const CHILD = `
exports.ChildProcessor = class ChildProcessor {
  async start(json, token) { await null; return this.processor(json, token); }
};
`;

interface Job {
  attemptsMade: number;
  asJSONSandbox(): Record<string, unknown>;
  moveToFailed(error: unknown, token?: string): Promise<void>;
}

interface Worker {
  readonly name: string;
  callProcessJob(job: unknown, token?: string, signal?: AbortSignal): unknown;
  notifyFailedJobs(jobs: unknown[]): unknown;
}

interface BullMQ {
  readonly Job: new (json: object) => Job;
  readonly Worker: new (name: string, processor: unknown, opts?: object) => Worker;
  readonly Queue: new (
    name: string,
    defaults?: object,
  ) => {
    readonly added: { readonly telemetry?: { readonly metadata?: string }; readonly opts?: unknown }[];
    add(name: string, data?: unknown, opts?: unknown): Promise<unknown>;
    addBulk(jobs: unknown): Promise<unknown>;
  };
  readonly JobScheduler: new (
    next: unknown,
    strategy?: unknown,
  ) => {
    upsertJobScheduler(id: string, repeat: unknown, name: string, data: unknown, opts: unknown): Promise<unknown>;
  };
  readonly Repeat: new (
    next: unknown,
  ) => { addNextRepeatableJob(name: string, data: unknown, opts: unknown): Promise<unknown> };
  readonly QueueScheduler: new (name: string) => { emit(...args: unknown[]): unknown };
  readonly FlowProducer: new () => {
    readonly flow: unknown;
    readonly flows: unknown;
    add(flow: unknown, opts?: unknown): Promise<unknown>;
    addBulk(flows: unknown): Promise<unknown>;
  };
}

const CARRIER = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

describe('BullMQInstrumentation', () => {
  const packages = new FakePackages();
  let recorded: RecordedRuns;
  let instrumentation: BullMQInstrumentation;
  let bullmq: BullMQ;

  before(() =>
    packages.install('bullmq', '6.7.0', {
      'index.js': ENTRY,
      'dist/cjs/classes/job.js': JOB,
      'dist/cjs/classes/child-processor.js': CHILD,
    }),
  );
  after(() => packages.remove());
  beforeEach(() => {
    recorded = recordRuns();
    instrumentation = new BullMQInstrumentation();
    bullmq = packages.require('bullmq') as BullMQ;
    instrumentation.enable();
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
  });

  const jobOf = (more: object = {}): Job =>
    new bullmq.Job({
      id: '42',
      name: 'send',
      queueName: 'mail',
      timestamp: Date.now() - 1000,
      attemptsMade: 0,
      attemptsStarted: 1,
      stalledCounter: 0,
      opts: { attempts: 3 },
      ...more,
    });

  /** Works on a job as a worker does; what the processor throws is the library's. */
  const work = async (job: Job, processor: unknown = async () => {}, opts: object = {}): Promise<void> => {
    const worker = new bullmq.Worker('mail', processor, opts);
    await Promise.resolve(worker.callProcessJob(job, 'token')).catch(() => {});
  };

  describe('a run', () => {
    it('is what the job says', async () => {
      const enqueuedAt = Date.now() - 1500;
      await work(
        jobOf({
          timestamp: enqueuedAt,
          opts: { attempts: 3, delay: 500, telemetry: { metadata: JSON.stringify(CARRIER) } },
        }),
      );
      const { operation, id, status, kind, attributes, started, links } = recorded.run();
      assert.deepEqual([operation, id, status, kind], ['send', 'mail.42.1', 'success', SpanKind.CONSUMER]);
      assert.equal(attributes['task.attempt'], 1);
      assert.equal(attributes['task.max_attempts'], 3);
      assert.equal(attributes['task.trigger'], 'queue');
      assert.equal(attributes['task.job.id'], '42');
      assert.equal(attributes['messaging.system'], 'bullmq');
      assert.equal(attributes['messaging.destination.name'], 'mail');
      assert.equal(attributes['messaging.message.id'], '42');
      assert.equal(started['task.enqueued_at'], (enqueuedAt + 500) / 1000);
      assert.deepEqual(
        links.map((link) => link.context.spanId),
        ['b'.repeat(16)],
      );
    });

    it('reads carriers that other versions wrote, and leaves alone what is none', async () => {
      for (const opts of [
        { tm: JSON.stringify(CARRIER) },
        { telemetry: { metadata: 'their own' } },
        { telemetry: { metadata: '{broken' } },
        { telemetry: { metadata: '{"other":1}' } },
      ])
        await work(jobOf({ opts }));
      assert.deepEqual(
        recorded.runs().map((run) => run.links.length),
        [1, 0, 0, 0],
      );
    });

    it('counts starts and attempts apart, and has a wait before its first start only', async () => {
      await work(jobOf({ attemptsMade: 1, attemptsStarted: 3 }));
      // Stalled once.
      await work(jobOf({ attemptsStarted: 2, stalledCounter: 1 }));
      // Before 5 there is one counter, which counts starts.
      await work(jobOf({ attemptsMade: 1, attemptsStarted: undefined }));
      assert.deepEqual(
        recorded
          .runs()
          .map(({ id, attributes, started }) => [
            id,
            attributes['task.attempt'],
            started['task.enqueued_at'] !== undefined,
          ]),
        [
          ['mail.42.3', 2, false],
          ['mail.42.2', 1, false],
          ['mail.42.1', 1, true],
        ],
      );
    });

    it('of a schedule has its slot, and no link to whoever made the schedule', async () => {
      const slot = Date.now() - 100;
      const opts = { telemetry: { metadata: JSON.stringify(CARRIER) } };
      await work(
        jobOf({
          id: `repeat:tick:${slot}`,
          repeatJobKey: 'tick',
          opts: { ...opts, repeat: { every: 5000 }, prevMillis: slot + 1 },
        }),
      );
      await work(
        jobOf({ repeatJobKey: 'tick', opts: { ...opts, repeat: { pattern: '* * * * *' }, prevMillis: slot } }),
      );
      // Its wait would be that of the start before.
      await work(
        jobOf({ attemptsStarted: 2, repeatJobKey: 'tick', opts: { repeat: { cron: '* * * * *' }, prevMillis: slot } }),
      );
      assert.deepEqual(
        recorded
          .runs()
          .map(({ attributes, links }) => [
            attributes['task.trigger'],
            attributes['task.schedule'],
            attributes['task.scheduled_at'],
            links.length,
          ]),
        [
          ['schedule', 'every 5000 ms', slot / 1000, 0],
          ['schedule', '* * * * *', slot / 1000, 0],
          ['schedule', '* * * * *', undefined, 0],
        ],
      );
      assert.deepEqual(recorded.missed(), []);
    });

    /** As a worker does: it fetches an iteration, for which the library makes the next one, and works on it. */
    const workAfterNext = async (
      { strategy, ...opts }: { readonly repeat: object; readonly prevMillis?: number; readonly strategy?: unknown },
      next: unknown,
      more: object = {},
    ): Promise<void> => {
      const job = jobOf({ repeatJobKey: 'tick', name: 'tick', ...more, opts });
      const scheduler = new bullmq.JobScheduler(next, strategy);
      assert.equal(await scheduler.upsertJobScheduler('tick', opts.repeat, 'tick', {}, opts), next);
      await work(job);
      // Strategies of applications may be asynchronous.
      await new Promise((resolve) => setImmediate(resolve));
    };
    const SLOT = 1_700_000_000_000;
    const missed = (count: number): string[] => Array.from({ length: count }, () => 'tick missed');

    it('tells of the slots between its own and that of the iteration which the library made next', async () => {
      const repeat = { every: 300 };
      const nextAt = (slot: number): object => ({ id: `repeat:tick:${slot}`, opts: { repeat } });
      const own = { id: `repeat:tick:${SLOT}` };
      // However late it starts itself, the iteration at that slot will be run.
      await workAfterNext({ repeat }, nextAt(SLOT + 300), own);
      assert.deepEqual(recorded.missed(), []);
      await workAfterNext({ repeat }, nextAt(SLOT + 900), own);
      assert.deepEqual(recorded.missed(), missed(2));
      // Some versions go on from the late moment: it stands for the slot nearest to it.
      await workAfterNext({ repeat }, nextAt(SLOT + 440), own);
      assert.deepEqual(recorded.missed(), missed(2));
      await workAfterNext({ repeat }, nextAt(SLOT + 560), own);
      assert.deepEqual(recorded.missed(), missed(3));
      // A retry, a start after a stall, and one of which nobody knows the next.
      await workAfterNext({ repeat }, nextAt(SLOT + 900), { ...own, attemptsMade: 1, attemptsStarted: 2 });
      await workAfterNext({ repeat }, nextAt(SLOT + 900), { ...own, attemptsStarted: 2, stalledCounter: 1 });
      await workAfterNext({ repeat }, undefined, own);
      await work(jobOf({ ...own, repeatJobKey: 'tick', name: 'tick', opts: { repeat } }));
      assert.deepEqual(recorded.missed(), missed(3));
      await workAfterNext({ repeat }, nextAt(SLOT + 1e9), own);
      assert.equal(recorded.missed().length, 103);
    });

    it('tells of the slots of patterns, as the strategy has them', async () => {
      const asked: object[] = [];
      const strategy = async (millis: number, repeat: object): Promise<number> => {
        asked.push(repeat);
        return millis + 2000;
      };
      const repeat = { pattern: '*/2 * * * * *', immediately: true };
      await workAfterNext({ repeat, strategy, prevMillis: SLOT }, { opts: { repeat, prevMillis: SLOT + 6000 } });
      assert.deepEqual(recorded.missed(), missed(2));
      assert.deepEqual(asked[0], { pattern: '*/2 * * * * *' });
      // On time, nobody is asked.
      const { length } = asked;
      const now = Date.now();
      await workAfterNext({ repeat, strategy, prevMillis: now }, { opts: { repeat, prevMillis: now + 6000 } });
      assert.deepEqual([recorded.missed(), asked.length], [missed(2), length]);
      await workAfterNext(
        { repeat, strategy: () => Promise.reject(new Error('no')), prevMillis: SLOT },
        { opts: { repeat, prevMillis: SLOT + 6000 } },
      );
      assert.match(recorded.warnings.join(), /missed runs of a schedule could not be counted: Error: no/);
    });

    it('tells of the slots before the end of its schedule, where it is the last', async () => {
      const own = { id: `repeat:tick:${SLOT}` };
      await workAfterNext({ repeat: { every: 1000, endDate: new Date(SLOT + 2000) } }, undefined, own);
      assert.deepEqual(recorded.missed(), missed(2));
      await workAfterNext({ repeat: { every: 1000, endDate: SLOT + 2000, limit: 1 } }, undefined, own);
      assert.deepEqual(recorded.missed(), missed(2));
    });

    it('tells them under the name that the application gives', async () => {
      instrumentation.setConfig({ operation: (job) => `own ${(job as { name: string }).name}` });
      const repeat = { every: 1000 };
      await workAfterNext(
        { repeat },
        { id: `repeat:tick:${SLOT + 2000}`, opts: { repeat } },
        { id: `repeat:tick:${SLOT}` },
      );
      assert.deepEqual(recorded.missed(), ['own tick missed']);
    });

    it('tells those of the older repeatable jobs', async () => {
      const repeat = { every: 1000 };
      const opts = { repeat, prevMillis: SLOT };
      const repeatable = new bullmq.Repeat({ opts: { repeat, prevMillis: SLOT + 3000 } });
      await repeatable.addNextRepeatableJob('tick', {}, opts);
      await work(jobOf({ name: 'tick', opts }));
      assert.deepEqual(recorded.missed(), missed(2));
    });

    it('is linked to the span of the worker, where it has telemetry of its own', async () => {
      const span = trace.getTracer('app').startSpan('process mail');
      await context.with(trace.setSpan(ROOT_CONTEXT, span), async () => {
        await work(jobOf(), undefined, { telemetry: {} });
        await work(jobOf());
      });
      span.end();
      assert.deepEqual(
        recorded
          .runs()
          .map(({ links, span: own }) => [links.map((link) => link.context.spanId), own.parentSpanContext]),
        [
          [[span.spanContext().spanId], undefined],
          [[], undefined],
        ],
      );
    });

    it('calls the processor as the library does', async () => {
      const job = jobOf();
      const promise = Promise.resolve('value');
      const calls: unknown[][] = [];
      function processor(this: unknown, ...args: unknown[]): Promise<string> {
        calls.push([this, ...args]);
        return promise;
      }
      const worker = new bullmq.Worker('mail', processor);
      const { signal } = new AbortController();
      assert.equal(worker.callProcessJob(job, 'token', signal), promise);
      assert.deepEqual(calls, [[worker, job, 'token', signal]]);
      const error = new Error('x');
      const thrower = new bullmq.Worker('mail', () => {
        throw error;
      });
      assert.throws(
        () => thrower.callProcessJob(job),
        (thrown) => thrown === error,
      );
      await promise;
    });
  });

  describe('an ending', () => {
    const named = (name: string): Error => Object.assign(new Error('x'), { name });
    const CASES: readonly [title: string, thrown: unknown, job: object, told: unknown[]][] = [
      ['a failure that is tried again', new TypeError('x'), {}, ['failure', 'TypeError', true]],
      ['the last failure', new TypeError('x'), { attemptsMade: 2 }, ['failure', 'TypeError', false]],
      ['a text', 'a text', {}, ['failure', 'string', true]],
      ['nothing thrown', undefined, {}, ['failure', 'undefined', true]],
      ['unrecoverable', named('UnrecoverableError'), {}, ['failure', 'UnrecoverableError', false]],
      ['delayed', named('DelayedError'), {}, ['deferred', undefined, undefined]],
      ['put back', named('WaitingError'), {}, ['deferred', undefined, undefined]],
      ['waiting for children', named('WaitingChildrenError'), {}, ['deferred', undefined, undefined]],
      ['rate limited', new Error('bullmq:rateLimitExceeded'), {}, ['deferred', undefined, undefined]],
      [
        'a strategy of the application',
        new TypeError('x'),
        { opts: { attempts: 3, backoff: { type: 'mine' } } },
        ['failure', 'TypeError', undefined],
      ],
    ];
    for (const [title, thrown, job, told] of CASES) {
      it(`${title}: ${told[0]}`, async () => {
        await work(jobOf(job), () => Promise.reject(thrown));
        const { status, errorType, attributes } = recorded.run();
        assert.deepEqual([status, errorType ?? undefined, attributes['task.will_retry']], told);
      });
    }

    it('too many starts: no retry', async () => {
      await work(jobOf(), () => Promise.reject(new TypeError('x')), { maxStartedAttempts: 1 });
      assert.equal(recorded.run().attributes['task.will_retry'], false);
    });

    it('by the signal that the worker gave: cancelled', async () => {
      const controller = new AbortController();
      const worker = new bullmq.Worker('mail', async (_job: unknown, _token: unknown, signal: AbortSignal) => {
        controller.abort(new Error('not wanted any more'));
        throw signal.reason;
      });
      await assert.rejects(async () => await worker.callProcessJob(jobOf(), 'token', controller.signal));
      const { status, attributes } = recorded.run();
      assert.deepEqual([status, attributes['task.will_retry']], ['cancelled', true]);
    });

    it('is not changed by what the library does then, which is in the log', async () => {
      const stored = jobOf({ lockLost: true });
      await work(stored);
      await assert.rejects(stored.moveToFailed(new Error('Missing lock for job 42')), /Missing lock/);
      const failed = jobOf();
      const error = new TypeError('x');
      await work(failed, () => Promise.reject(error));
      await failed.moveToFailed(error);
      const given = jobOf({ isLast: true, opts: { attempts: 3, backoff: { type: 'mine' } } });
      await work(given, () => Promise.reject(error));
      await given.moveToFailed(error);
      assert.deepEqual(
        recorded.runs().map(({ status, lines }) => [status, ...lines]),
        [
          ['success', 'the handler had returned, then the library failed the job: Missing lock for job 42'],
          ['failure'],
          ['failure', 'there is no further attempt'],
        ],
      );
    });

    it('tells afterwards what a strategy of the application decided, either way', async () => {
      const error = new TypeError('x');
      const opts = { attempts: 3, backoff: { type: 'mine' } };
      for (const more of [{ isLast: true }, {}, { attemptsMade: 2, isLast: true }, { lockLost: true }]) {
        const job = jobOf({ ...more, opts });
        await work(job, () => Promise.reject(error));
        await job.moveToFailed(error).catch(() => {});
      }
      assert.deepEqual(
        recorded.runs().map(({ lines }) => lines),
        [['there is no further attempt'], ['there will be a further attempt'], [], []],
      );
    });

    it('survives an error that cannot be read', async () => {
      const thrower = {
        get: (target: object, key: string | symbol): unknown => {
          if (key === 'name' || key === 'message') throw new Error('no');
          return Reflect.get(target, key);
        },
      };
      const error = new Proxy(new Error('x'), thrower);
      const job = jobOf();
      await work(job, () => Promise.reject(error));
      await job.moveToFailed(error);
      await job.moveToFailed(new Proxy(new Error('y'), thrower));
      const { status, attributes, lines } = recorded.run();
      assert.deepEqual([status, attributes['task.will_retry'], lines.length], ['failure', true, 1]);
      assert.doesNotMatch(recorded.warnings.join(), /classifying|hearing/);
    });
  });

  describe('a stall too many', () => {
    const stalled = new Error('job stalled more than allowable limit');

    it('is the orphan of the start that was lost, once', async () => {
      await jobOf({ attemptsStarted: 2 }).moveToFailed(stalled);
      await jobOf({ attemptsStarted: 2 }).moveToFailed(stalled);
      const { id, status, operation, attributes } = recorded.run();
      assert.deepEqual([id, status, operation], ['mail.42.1', 'orphaned', 'send']);
      assert.equal(attributes['messaging.destination.name'], 'mail');
    });

    it('is told by older versions before the job is started again', () => {
      const worker = new bullmq.Worker('mail', async () => {});
      assert.equal(worker.notifyFailedJobs([jobOf({ attemptsStarted: 2 }), undefined]), 2);
      assert.equal(recorded.run().id, 'mail.42.2');
    });

    it('is told by the oldest without an attempt', () => {
      const scheduler = new bullmq.QueueScheduler('mail');
      assert.deepEqual(scheduler.emit('failed', '42', stalled), ['failed', '42', stalled]);
      scheduler.emit('failed', '43', new Error('something else'));
      scheduler.emit('stalled', '44');
      const { id, operation, status } = recorded.run();
      assert.deepEqual([id, operation, status], ['mail.42.stalled', 'mail', 'orphaned']);
    });

    it('is none while that start still runs here', async () => {
      const worker = new bullmq.Worker('mail', () => new Promise(() => {}));
      void worker.callProcessJob(jobOf());
      await jobOf({ attemptsStarted: 2 }).moveToFailed(stalled);
      assert.deepEqual(recorded.runs(), []);
    });

    it('no other failure without a run is an orphan', async () => {
      await jobOf().moveToFailed(new Error('child mail:1 failed'));
      assert.deepEqual(recorded.runs(), []);
    });
  });

  describe('what enqueues', () => {
    const enqueue = (): { readonly traceparent: string; readonly span: Record<string, unknown> } => {
      const [span, ...others] = recorded.enqueues();
      assert.ok(span !== undefined && others.length === 0);
      const { traceId, spanId } = span.spanContext();
      return { traceparent: `00-${traceId}-${spanId}-01`, span: { name: span.name, ...span.attributes } };
    };
    const metadataOf = (opts: unknown): unknown => {
      const { metadata } = (opts as { telemetry: { metadata: string } }).telemetry;
      return JSON.parse(metadata);
    };

    it('has a span, and hands its context on in a copy of the options', async () => {
      const queue = new bullmq.Queue('mail');
      const opts = Object.freeze({ attempts: 2 });
      const job = (await queue.add('send', { a: 1 }, opts)) as { id: string };
      assert.equal(job.id, '7');
      const { traceparent, span } = enqueue();
      assert.deepEqual(span, {
        name: 'send mail',
        'messaging.system': 'bullmq',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'add',
        'messaging.destination.name': 'mail',
        'messaging.message.id': '7',
      });
      assert.deepEqual(
        { ...queue.added[0], telemetry: metadataOf(queue.added[0]) },
        { attempts: 2, telemetry: { traceparent } },
      );
    });

    it('is a child of the run that it is in', async () => {
      const queue = new bullmq.Queue('mail');
      const task = startTask('outer');
      await task.run(() => queue.add('send'));
      task.end();
      assert.equal(recorded.enqueues()[0]?.parentSpanContext?.spanId, recorded.run().span.spanContext().spanId);
    });

    it('overwrites nothing, and gives a template nothing', async () => {
      const given = [
        { telemetry: { metadata: 'theirs' } },
        { telemetry: { omitContext: true } },
        { repeat: { every: 1000 } },
      ];
      const queue = new bullmq.Queue('mail');
      for (const opts of given) await queue.add('send', {}, opts);
      const own = new bullmq.Queue('mail', { telemetry: { metadata: 'of all' } });
      await own.add('send', {}, { attempts: 1 });
      assert.deepEqual([...queue.added, ...own.added], [...given, { attempts: 1 }]);
    });

    it('may be many jobs', async () => {
      const queue = new bullmq.Queue('mail');
      const theirs = { telemetry: { metadata: 'theirs' } };
      const jobs = Object.freeze([
        Object.freeze({ name: 'a', data: 1 }),
        Object.freeze({ name: 'b', data: 2, opts: Object.freeze({ jobId: 'x' }) }),
        Object.freeze({ name: 'c', data: 3, opts: theirs }),
      ]);
      await queue.addBulk(jobs);
      const { traceparent, span } = enqueue();
      assert.equal(span['messaging.batch.message_count'], 3);
      const [a, b, c] = queue.added;
      assert.deepEqual([metadataOf(a?.opts), metadataOf(b?.opts)], [{ traceparent }, { traceparent }]);
      assert.equal(c?.opts, theirs);
      await queue.addBulk([]);
      assert.equal(recorded.enqueues().length, 1);
    });

    it('may be flows', async () => {
      const flows = new bullmq.FlowProducer();
      const flow = {
        name: 'top',
        queueName: 'mail',
        children: [{ name: 'below', queueName: 'other', opts: { jobId: 'x' }, children: [] }],
      };
      const before = structuredClone(flow);
      await flows.add(flow);
      assert.deepEqual(flow, before);
      const { traceparent, span } = enqueue();
      assert.equal(span['messaging.batch.message_count'], 2);
      assert.equal(span['messaging.message.id'], '8');
      const metadata = JSON.stringify({ traceparent });
      assert.deepEqual(flows.flow, {
        name: 'top',
        queueName: 'mail',
        opts: { telemetry: { metadata } },
        children: [{ name: 'below', queueName: 'other', opts: { jobId: 'x', telemetry: { metadata } }, children: [] }],
      });
      await flows.addBulk([flow, flow]);
      assert.equal(recorded.enqueues()[1]?.attributes['messaging.batch.message_count'], 4);
      assert.deepEqual(flow, before);
    });

    it('fails as it does without us', async () => {
      const queue = new bullmq.Queue('mail');
      await assert.rejects(queue.add('refused'), RangeError);
      assert.equal(enqueue().span['error.type'], 'RangeError');
    });
  });

  it('lets a sandbox belong to its run, and takes away what it sent along', async () => {
    const { ChildProcessor } = packages.require('bullmq/dist/cjs/classes/child-processor.js') as {
      ChildProcessor: new () => { processor: unknown; start(json: unknown, token?: string): Promise<unknown> };
    };
    const job = jobOf();
    const child = new ChildProcessor();
    let inside: ReadableSpan | undefined;
    child.processor = (json: unknown, token: unknown) => {
      inside = trace.getTracer('app').startSpan('inside') as unknown as ReadableSpan;
      return [json, token];
    };
    await work(job, async () => {
      const sent = JSON.parse(JSON.stringify(job.asJSONSandbox())) as Record<string, unknown>;
      assert.deepEqual(Object.keys(sent), ['id', 'data', 'taskspan']);
      const seen = await context.with(ROOT_CONTEXT, () => child.start(sent, 'token'));
      assert.deepEqual(seen, [{ id: '42', data: '{}' }, 'token']);
    });
    const run = recorded.run().span.spanContext();
    assert.equal(inside?.parentSpanContext?.spanId, run.spanId);
    assert.equal(inside?.attributes['task.id'], 'mail.42.1');
    // Outside of a run there is nothing to send.
    const plain = job.asJSONSandbox();
    assert.deepEqual(plain, { id: '42', data: '{}' });
    assert.deepEqual(await child.start(plain), [plain, undefined]);
  });

  it('puts everything back', () => {
    const { Worker, Queue, Job, FlowProducer } = bullmq;
    const methods = [
      [Worker, 'callProcessJob'],
      [Worker, 'notifyFailedJobs'],
      [Queue, 'add'],
      [Queue, 'addBulk'],
      [FlowProducer, 'add'],
      [FlowProducer, 'addBulk'],
      [Job, 'moveToFailed'],
      [Job, 'asJSONSandbox'],
    ] as const;
    const now = (): unknown[] => methods.map(([{ prototype }, name]) => (prototype as Record<string, unknown>)[name]);
    const hooked = now();
    instrumentation.disable();
    const original = now();
    for (const [at, method] of hooked.entries()) {
      const plain = original[at] as (...args: unknown[]) => unknown;
      assert.notEqual(method, plain);
      assert.deepEqual([(method as typeof plain).name, (method as typeof plain).length], [plain.name, plain.length]);
    }
    instrumentation.enable();
    assert.notDeepEqual(now(), original);
  });
});
