import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { BeeQueueInstrumentation } from './bee-queue.ts';
import { FakePackages } from './fake-package.test.support.ts';

/** What is hooked, in the shape of 2. */
const ENTRY = `
const Job = require('./lib/job.js');
module.exports = class Queue {
  constructor(name) { this.name = name; }
  createJob(data) { return new Job(this, data); }
  _runJob(job) {
    const done = (error, value) => this._finishJob(error, value, job);
    const { timeout } = job.options;
    const late = new Promise((_, reject) => timeout && setTimeout(() => reject(new Error('Job 42 timed out (' + timeout + ' ms)')), timeout).unref());
    return Promise.race([this.handler(job), late]).then((value) => done(null, value), done);
  }
  _finishJob(error, value, job) {
    if (this.isClosed) throw new Error('unable to update the status');
    const status = error ? (job.options.retries > 0 ? 'retrying' : 'failed') : 'succeeded';
    return [status, error || value];
  }
  async saveAll(jobs) {
    await null;
    await Promise.all(jobs.map((job) => job._save()));
    return new Map();
  }
};
`;

const JOB = `
module.exports = class Job {
  constructor(queue, data) { Object.assign(this, { queue, data, options: { timestamp: 1, stacktraces: [] } }); }
  async _save() { this.stored = JSON.stringify(this.options); this.id = this.id || '7'; return this; }
  save() { return this._save(); }
};
`;

interface Job {
  id: string;
  status?: string;
  options: Record<string, unknown>;
  readonly stored: string;
  save(): Promise<Job>;
}

interface Queue {
  handler: (job: Job) => Promise<unknown>;
  isClosed?: boolean;
  createJob(data: unknown): Job;
  saveAll(jobs: readonly Job[]): Promise<unknown>;
  _runJob(job: Job): Promise<unknown>;
}

describe('BeeQueueInstrumentation', () => {
  const packages = new FakePackages();
  let recorded: RecordedRuns;
  let instrumentation: BeeQueueInstrumentation;
  let queue: Queue;

  before(() => packages.install('bee-queue', '2.0.0', { 'index.js': ENTRY, 'lib/job.js': JOB }));
  after(() => packages.remove());
  beforeEach(() => {
    recorded = recordRuns();
    instrumentation = new BeeQueueInstrumentation();
    const BeeQueue = packages.require('bee-queue') as new (name: string) => Queue;
    instrumentation.enable();
    queue = new BeeQueue('mail');
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
  });

  const jobOf = (options: object = {}): Job => {
    const job = queue.createJob({});
    job.id = '42';
    Object.assign(job.options, options);
    return job;
  };

  const work = async (job: Job, handler: Queue['handler']): Promise<unknown> => {
    queue.handler = handler;
    return await queue._runJob(job);
  };

  it('makes a run of a job, which is what the job says', async () => {
    const enqueuedAt = Date.now() - 1000;
    const job = jobOf({
      timestamp: enqueuedAt,
      retries: 2,
      telemetry: { metadata: JSON.stringify({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }) },
    });
    assert.deepEqual(await work(job, async () => 5), ['succeeded', 5]);
    const { operation, id, status, kind, attributes, started, links } = recorded.run();
    assert.deepEqual([operation, id, status, kind], ['mail', 'mail.42.1', 'success', SpanKind.CONSUMER]);
    assert.equal(attributes['task.max_attempts'], 3);
    assert.equal(attributes['messaging.message.id'], '42');
    assert.equal(started['task.enqueued_at'], enqueuedAt / 1000);
    assert.deepEqual(
      links.map((link) => link.context.spanId),
      ['b'.repeat(16)],
    );
  });

  it('counts the wait from when a delayed job was due, for first attempts only', async () => {
    const due = Date.now() - 500;
    await work(jobOf({ delay: due }), async () => {});
    await work(jobOf({ stacktraces: ['Error: x'] }), async () => {});
    assert.deepEqual(
      recorded
        .runs()
        .map(({ id, attributes, started }) => [id, attributes['task.attempt'], started['task.enqueued_at']]),
      [
        ['mail.42.1', 1, due / 1000],
        ['mail.42.2', 2, undefined],
      ],
    );
  });

  it('hears how a job ended, although the library holds its error back', async () => {
    const error = new TypeError('x');
    assert.deepEqual(await work(jobOf({ retries: 1 }), () => Promise.reject(error)), ['retrying', error]);
    await work(jobOf(), () => Promise.reject(error));
    await work(jobOf({ timeout: 10 }), () => Promise.reject(new Error('Job 42 timed out (10 ms)')));
    await work(jobOf(), () => Promise.reject(new Error('Job 42 timed out (10 ms)')));
    assert.deepEqual(
      recorded.runs().map(({ status, errorType, attributes }) => [status, errorType, attributes['task.will_retry']]),
      [
        ['failure', 'TypeError', true],
        ['failure', 'TypeError', false],
        ['failure', 'timeout', false],
        ['failure', 'Error', false],
      ],
    );
  });

  it('has in the log of a run that took too long how its handler ended', async () => {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const handler = (): Promise<void> => finished;
    const [status] = (await work(jobOf({ timeout: 5 }), handler)) as unknown[];
    assert.deepEqual([status, recorded.run().errorType, recorded.run().lines], ['failed', 'timeout', []]);
    finish();
    await finished;
    assert.deepEqual(recorded.run().lines, ['the handler returned after its run had ended']);
    // In time, there is nothing to say; and without a limit, nothing to be heard out.
    await work(jobOf({ timeout: 60_000 }), async () => {});
    await work(jobOf(), handler);
    assert.equal(queue.handler, handler);
    assert.deepEqual(
      recorded.runs().map(({ lines }) => lines.length),
      [1, 0, 0],
    );
  });

  it('takes the older word for a retry', async () => {
    const job = jobOf();
    job.status = 'retrying';
    await work(job, () => Promise.reject(new Error('x')));
    assert.equal(recorded.run().attributes['task.will_retry'], true);
  });

  it('knows how the handler ended where that could not be stored', async () => {
    queue.isClosed = true;
    await assert.rejects(
      work(jobOf(), async () => 1),
      /unable/,
    );
    await assert.rejects(
      work(jobOf(), () => Promise.reject(new RangeError('x'))),
      /unable/,
    );
    assert.deepEqual(
      recorded.runs().map(({ status, errorType }) => [status, errorType]),
      [
        ['success', undefined],
        ['failure', 'RangeError'],
      ],
    );
  });

  it('hands the context of what saves on, alone and together, once', async () => {
    const alone = queue.createJob({});
    await alone.save();
    await alone.save();
    const both = [queue.createJob({}), queue.createJob({})];
    await queue.saveAll(both);
    await queue.saveAll([]);
    const spans = recorded.enqueues();
    assert.deepEqual(
      spans.map(({ name, attributes }) => [
        name,
        attributes['messaging.operation.name'],
        attributes['messaging.message.id'],
        attributes['messaging.batch.message_count'],
      ]),
      [
        ['send mail', 'save', '7', undefined],
        ['send mail', 'saveAll', undefined, 2],
      ],
    );
    const stored = [alone, ...both].map((job) => {
      const { telemetry } = JSON.parse(job.stored) as { telemetry: { metadata: string } };
      return (JSON.parse(telemetry.metadata) as { traceparent: string }).traceparent.split('-')[2];
    });
    const [one, many] = spans.map((span) => span.spanContext().spanId);
    assert.deepEqual(stored, [one, many, many]);
  });

  it('puts everything back', () => {
    const prototype = Object.getPrototypeOf(queue) as Queue;
    const hooked = prototype._runJob;
    instrumentation.disable();
    assert.notEqual(prototype._runJob, hooked);
    assert.equal(prototype._runJob.name, '_runJob');
  });
});
