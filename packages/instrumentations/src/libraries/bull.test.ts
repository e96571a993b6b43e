import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { activeRunTicket, currentRun, type RunTicket } from '@taskspan/core/hub';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { BullInstrumentation } from './bull.ts';
import { followFromParent } from './bull-sandbox.ts';
import { FakePackages } from './fake-package.test.support.ts';

/** What is hooked, in the shape of 4; `added` keeps what arrived there. */
const ENTRY = `
const { EventEmitter } = require('node:events');
const { promisify } = require('node:util');
function Queue(name, defaultJobOptions) {
  EventEmitter.call(this);
  Object.assign(this, { name, defaultJobOptions, handlers: {}, added: [] });
}
Object.setPrototypeOf(Queue.prototype, EventEmitter.prototype);
Queue.prototype.setHandler = function(name, handler) {
  if (this.handlers[name]) throw new Error('Cannot define the same handler twice');
  if (typeof handler === 'string') {
    this.childPool = this.childPool || new Pool();
    this.handlers[name] = (job) => this.childPool.retain(handler).then((child) => child.send({ cmd: 'start', job }));
  } else this.handlers[name] = handler.length > 1 ? promisify(handler.bind(this)) : async (...args) => handler.apply(this, args);
};
Queue.prototype.add = async function(name, data, opts) {
  if (typeof name !== 'string') { opts = data; data = name; }
  this.added.push([data, opts]);
  return { id: 7, opts };
};
Queue.prototype.nextRepeatableJob = async function(name, data, opts) { return this.next; };
Queue.prototype.addBulk = async function(jobs) { this.added.push(...jobs); return jobs; };
class Pool {
  async retain() {
    this.child ??= { sent: [], send(message) { this.sent.push(message); return 'sent'; } };
    return this.child;
  }
}
function Job() {}
Job.fromJSON = function(queue, json) { return Object.assign(new Job(), json, { queue }); };
Job.prototype.moveToFailed = async function() {
  if (this.lockLost) throw new Error('Missing lock');
  if (this.isLast) this.finishedOn = 1;
};
module.exports = Queue;
module.exports.Job = Job;
`;

interface Job {
  lockLost?: boolean;
  moveToFailed(error: unknown): Promise<void>;
}

interface Child {
  readonly sent: Record<string, unknown>[];
  send(message: object): unknown;
}

interface Queue extends EventEmitter {
  readonly handlers: Record<string, (job: Job) => Promise<unknown>>;
  readonly added: unknown[];
  readonly childPool: { readonly child: Child };
  setHandler(name: string, handler: unknown): void;
  add(...args: unknown[]): Promise<unknown>;
  addBulk(jobs: unknown): Promise<unknown>;
  next?: object;
  nextRepeatableJob(name: string, data: unknown, opts: object): Promise<unknown>;
}

interface Bull {
  new (name: string, defaults?: object): Queue;
  readonly Job: { new (): Job; fromJSON(queue: Queue, json: object): Job };
}

const CARRIER = JSON.stringify({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });

describe('BullInstrumentation', () => {
  const packages = new FakePackages();
  let recorded: RecordedRuns;
  let instrumentation: BullInstrumentation;
  let Bull: Bull;
  let queue: Queue;

  before(() => packages.install('bull', '4.16.5', { 'index.js': ENTRY }));
  after(() => packages.remove());
  beforeEach(() => {
    recorded = recordRuns();
    instrumentation = new BullInstrumentation();
    Bull = packages.require('bull') as Bull;
    instrumentation.enable();
    queue = new Bull('mail');
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
  });

  const jobOf = (more: object = {}): Job =>
    Bull.Job.fromJSON(queue, {
      id: '42',
      name: 'send',
      timestamp: Date.now() - 1000,
      attemptsMade: 0,
      opts: { attempts: 3 },
      ...more,
    });

  const work = async (job: Job, handler: unknown = async () => {}): Promise<unknown> => {
    const own = new Bull('mail');
    own.setHandler('*', handler);
    return await own.handlers['*']?.(job).catch((error: unknown) => error);
  };

  describe('a run', () => {
    it('is what the job says', async () => {
      const enqueuedAt = Date.now() - 1500;
      await work(jobOf({ timestamp: enqueuedAt, opts: { attempts: 3, delay: 500, telemetry: { metadata: CARRIER } } }));
      const { operation, id, status, kind, attributes, started, links } = recorded.run();
      assert.deepEqual([operation, id, status, kind], ['send', 'mail.42.1', 'success', SpanKind.CONSUMER]);
      assert.equal(attributes['task.attempt'], 1);
      assert.equal(attributes['task.max_attempts'], 3);
      assert.equal(attributes['task.trigger'], 'queue');
      assert.equal(attributes['messaging.system'], 'bull');
      assert.equal(attributes['messaging.message.id'], '42');
      assert.equal(started['task.enqueued_at'], (enqueuedAt + 500) / 1000);
      assert.deepEqual(
        links.map((link) => link.context.spanId),
        ['b'.repeat(16)],
      );
    });

    it('is called by the queue where the job has no name', async () => {
      await work(jobOf({ name: '__default__' }));
      assert.equal(recorded.run().operation, 'mail');
    });

    it('has a wait before its first start only: stalls are counted', async () => {
      await work(jobOf({ attemptsMade: 1 }));
      await work(jobOf({ stalledCounter: '1' }));
      assert.deepEqual(
        recorded
          .runs()
          .map(({ id, attributes, started }) => [id, attributes['task.attempt'], started['task.enqueued_at']]),
        [
          ['mail.42.2', 2, undefined],
          ['mail.42.2', 1, undefined],
        ],
      );
    });

    it('of a schedule has its slot and no link', async () => {
      const now = Date.now();
      const telemetry = { metadata: CARRIER };
      await work(jobOf({ opts: { telemetry, repeat: { cron: '* * * * *' }, prevMillis: now - 100 } }));
      await work(jobOf({ opts: { telemetry, repeat: { every: 1000 }, prevMillis: now - 2500 } }));
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
          ['schedule', '* * * * *', (now - 100) / 1000, 0],
          ['schedule', 'every 1000 ms', (now - 2500) / 1000, 0],
        ],
      );
    });

    it('of a schedule tells of the slots until the iteration which the library made next', async () => {
      const slot = 1_700_000_000_000;
      const workAfterNext = async (next: number | undefined, more: object = {}): Promise<void> => {
        const opts = { repeat: { every: 300 }, prevMillis: slot };
        if (next === undefined) delete queue.next;
        else queue.next = { opts: { ...opts, prevMillis: next } };
        assert.equal(await queue.nextRepeatableJob('send', {}, opts), queue.next);
        await work(jobOf({ opts, ...more }));
      };
      // However late it starts itself: the one at that slot will be run.
      await workAfterNext(slot + 300);
      await workAfterNext(undefined);
      await workAfterNext(slot + 900, { attemptsMade: 1 });
      assert.deepEqual(recorded.missed(), []);
      await workAfterNext(slot + 900);
      assert.deepEqual(recorded.missed(), ['send missed', 'send missed']);
    });

    it('gets what the library gives, from handlers of every form', async () => {
      const job = jobOf();
      const seen: unknown[] = [];
      queue.setHandler('plain', function (this: unknown, ...args: unknown[]) {
        seen.push(this, ...args);
        return 1;
      });
      queue.setHandler('callback', (_job: unknown, done: (error: null, value: number) => void) => done(null, 2));
      assert.equal(await queue.handlers['plain']?.(job), 1);
      assert.equal(await queue.handlers['callback']?.(job), 2);
      assert.deepEqual(seen, [queue, job]);
      const error = new Error('x');
      assert.equal(await work(job, () => Promise.reject(error)), error);
      assert.equal(recorded.runs().length, 3);
    });
  });

  describe('an ending', () => {
    const CASES: readonly [title: string, job: object, willRetry: boolean | undefined][] = [
      ['a failure that is tried again', {}, true],
      ['the last failure', { attemptsMade: 2 }, false],
      ['discarded', { _discarded: true }, false],
      ['a delay as backoff', { opts: { attempts: 3, backoff: 10 } }, true],
      ['a strategy of the application', { opts: { attempts: 3, backoff: { type: 'mine' } } }, undefined],
    ];
    for (const [title, job, willRetry] of CASES) {
      it(title, async () => {
        await work(jobOf(job), () => Promise.reject(new TypeError('x')));
        const { status, errorType, attributes } = recorded.run();
        assert.deepEqual([status, errorType, attributes['task.will_retry']], ['failure', 'TypeError', willRetry]);
      });
    }

    it('is followed by what a strategy of the application decided', async () => {
      const error = new TypeError('x');
      for (const more of [{ isLast: true }, {}, { isLast: true, attemptsMade: 2 }]) {
        const job = jobOf({ ...more, opts: { attempts: 3, backoff: { type: 'mine' } } });
        await work(job, () => Promise.reject(error));
        await job.moveToFailed(error);
      }
      assert.deepEqual(
        recorded.runs().map(({ lines }) => lines),
        [['there is no further attempt'], ['there will be a further attempt'], []],
      );
    });

    it('comes when the library gives up on it, whatever the handler does then', async () => {
      const job = jobOf({ opts: { timeout: 5, attempts: 2 } });
      let settle = (): void => {};
      const working = work(job, () => new Promise<void>((resolve) => (settle = resolve)));
      await job.moveToFailed(Object.assign(new Error('Promise timed out'), { name: 'TimeoutError' }));
      settle();
      await working;
      const { status, errorType, attributes, lines } = recorded.run();
      assert.deepEqual([status, errorType, attributes['task.will_retry']], ['failure', 'timeout', true]);
      assert.equal(lines.at(-1), 'the handler returned after its run had ended');
    });

    it('is not changed by what the library does then, which is in the log', async () => {
      const stored = jobOf({ lockLost: true });
      await work(stored);
      await assert.rejects(stored.moveToFailed(new Error('Missing lock for job 42')), /Missing lock/);
      const failed = jobOf();
      const error = new Error('x');
      await work(failed, () => Promise.reject(error));
      await failed.moveToFailed(error);
      assert.deepEqual(
        recorded.runs().map(({ status, lines }) => [status, ...lines]),
        [
          ['success', 'the handler had returned, then the library failed the job: Missing lock for job 42'],
          ['failure'],
        ],
      );
    });
  });

  it('tells of a job that stalled too often once, as the orphan of the start that was lost', () => {
    const stalled = new Error('job stalled more than allowable limit');
    const heard: unknown[] = [];
    queue.on('failed', (...args: unknown[]) => heard.push(...args));
    const job = jobOf({ stalledCounter: '2' });
    queue.emit('failed', job, stalled, 'active');
    queue.emit('failed', jobOf({ stalledCounter: '2' }), stalled, 'active');
    queue.emit('failed', jobOf(), new Error('another'), 'active');
    queue.emit('failed', null, stalled, 'active');
    assert.deepEqual(heard.slice(0, 3), [job, stalled, 'active']);
    const { id, status } = recorded.run();
    assert.deepEqual([id, status], ['mail.42.2', 'orphaned']);
  });

  describe('what enqueues', () => {
    it('has a span, and hands its context on in a copy of the options', async () => {
      const opts = Object.freeze({ attempts: 2 });
      await queue.add('send', { a: 1 }, opts);
      await queue.add({ a: 2 }, opts);
      await queue.add({ a: 3 });
      const carriers = recorded.enqueues().map((span) => {
        const { traceId, spanId } = span.spanContext();
        return { metadata: JSON.stringify({ traceparent: `00-${traceId}-${spanId}-01` }) };
      });
      assert.deepEqual(queue.added, [
        [{ a: 1 }, { attempts: 2, telemetry: carriers[0] }],
        [{ a: 2 }, { attempts: 2, telemetry: carriers[1] }],
        [{ a: 3 }, { telemetry: carriers[2] }],
      ]);
      const [first] = recorded.enqueues();
      assert.equal(first?.name, 'send mail');
      assert.equal(first?.attributes['messaging.message.id'], '7');
      assert.equal(first?.attributes['messaging.system'], 'bull');
    });

    it('overwrites nothing, and gives a template nothing', async () => {
      const given = [{ telemetry: { metadata: 'theirs' } }, { repeat: { every: 1000 } }];
      for (const opts of given) await queue.add('send', 1, opts);
      assert.deepEqual(
        queue.added,
        given.map((opts) => [1, opts]),
      );
    });

    it('may be many jobs', async () => {
      const jobs = Object.freeze([
        Object.freeze({ name: 'a', data: 1 }),
        Object.freeze({ data: 2, opts: Object.freeze({ jobId: 'x' }) }),
      ]);
      await queue.addBulk(jobs);
      await queue.addBulk([]);
      const [span, ...others] = recorded.enqueues();
      assert.deepEqual(others, []);
      assert.equal(span?.attributes['messaging.batch.message_count'], 2);
      const [a, b] = queue.added as { readonly opts: { readonly jobId?: string; readonly telemetry: unknown } }[];
      assert.deepEqual(b?.opts, { jobId: 'x', telemetry: a?.opts.telemetry });
      assert.ok(a?.opts.telemetry !== undefined);
    });
  });

  describe('a processor in a file', () => {
    it('is told its run, beside the job', async () => {
      queue.setHandler('send', '/processor.js');
      assert.equal(await queue.handlers['send']?.(jobOf()), 'sent');
      assert.equal(await queue.handlers['send']?.(jobOf({ id: '43' })), 'sent');
      const { child } = queue.childPool;
      child.send({ cmd: 'stop' });
      const tickets = child.sent.map(({ taskspan }) => (taskspan as RunTicket | undefined)?.id);
      assert.deepEqual(tickets, ['mail.42.1', 'mail.43.1', undefined]);
      assert.deepEqual(
        child.sent.map((message) => Object.keys(message)),
        [['cmd', 'job', 'taskspan'], ['cmd', 'job', 'taskspan'], ['cmd']],
      );
    });

    it('works within that run, in its process', async () => {
      let ticket: RunTicket | undefined;
      await work(jobOf(), async () => {
        ticket = activeRunTicket();
      });
      assert.equal(followFromParent('/app/main.js'), undefined);
      const leave = followFromParent('/app/node_modules/bull/lib/process/master.js');
      const seen: unknown[] = [];
      const listener = (message: { readonly cmd: string }): void => {
        seen.push([message.cmd, currentRun()?.id, trace.getSpanContext(context.active())?.spanId]);
      };
      const emit = process.emit as (event: string, ...args: unknown[]) => boolean;
      const others = process.listeners('message');
      process.removeAllListeners('message');
      process.on('message', listener as () => void);
      try {
        context.with(ROOT_CONTEXT, () => {
          emit.call(process, 'message', { cmd: 'start', taskspan: ticket });
          emit.call(process, 'message', { cmd: 'stop' });
        });
      } finally {
        process.off('message', listener as () => void);
        for (const other of others) process.on('message', other);
        leave?.();
      }
      assert.deepEqual(seen, [
        ['start', 'mail.42.1', recorded.run().span.spanContext().spanId],
        ['stop', undefined, undefined],
      ]);
    });
  });

  it('puts everything back', () => {
    const { prototype } = Bull as unknown as { readonly prototype: Record<string, unknown> };
    const names = ['setHandler', 'add', 'addBulk', 'emit'];
    const hooked = names.map((name) => prototype[name]);
    instrumentation.disable();
    const original = names.map((name) => prototype[name]);
    for (const [at, method] of hooked.entries()) assert.notEqual(method, original[at]);
    assert.equal(prototype['emit'], EventEmitter.prototype.emit);
    assert.ok(!Object.hasOwn(prototype, 'emit'));
  });
});
