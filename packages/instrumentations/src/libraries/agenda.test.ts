import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { AgendaInstrumentation } from './agenda.ts';
import { FakePackages } from './fake-package.test.support.ts';

interface Attributes extends Record<string, unknown> {
  data?: unknown;
}

interface Job {
  readonly attrs: Attributes;
  run(): Promise<unknown>;
  save(): Promise<Job>;
  cancel(error?: Error): void;
}

interface Agenda {
  readonly Job: new (agenda: object, attrs: Attributes, byJobProcessor?: boolean) => Job;
  /** What is stored. */
  readonly stored: Attributes[];
}

/** The parts of the class that are hooked, as both lines have them. */
const JOB = `
const stored = exports.stored = [];
exports.Job = class Job {
  constructor(agenda, attrs, byJobProcessor = false) {
    this.agenda = agenda;
    this.attrs = { type: 'normal', ...attrs };
    this.byJobProcessor = byJobProcessor;
  }
  async save() {
    await null;
    if (this.agenda.isDown) throw new Error('down');
    stored.push(structuredClone(this.attrs));
    this.attrs._id ??= 'id-' + stored.length;
    return this;
  }
  fail(reason) {
    this.attrs.failReason = reason instanceof Error ? reason.message : reason;
    this.attrs.failCount = (this.attrs.failCount || 0) + 1;
    this.attrs.failedAt = new Date();
    return this;
  }
  cancel(error) { this.canceled = error ?? true; }
  async run() {
    this.attrs.lastRunAt = new Date();
    this.attrs.nextRunAt = this.attrs.repeatInterval ? new Date(Date.now() + 60000) : null;
    try {
      return await this.agenda.handler(this);
    } catch (error) {
      this.fail(error);
      const retryDelay = this.agenda.definitions?.[this.attrs.name]?.backoff?.() ?? null;
      if (retryDelay !== null) this.attrs.nextRunAt = new Date(Date.now() + retryDelay);
    }
  }
};
`;

const DUE = new Date('2024-05-01T10:00:00Z');

describe('AgendaInstrumentation', () => {
  let packages: FakePackages;
  let recorded: RecordedRuns;
  let instrumentation: AgendaInstrumentation;
  let agenda: Agenda;

  function load(version: '5.0.0' | '6.2.6', config?: { carrier: 'data' }): void {
    const files =
      version === '6.2.6'
        ? { 'dist/index.js': JOB }
        : { 'dist/cjs.js': `module.exports = require('./job/index.js');`, 'dist/job/index.js': JOB };
    packages.install('agenda', version, files);
    instrumentation = new AgendaInstrumentation(config);
    agenda = packages.require('agenda') as Agenda;
  }

  const jobOf = (handler: (job: Job) => unknown, attrs: Attributes = {}, more: object = {}): Job =>
    new agenda.Job(
      { handler, ...more },
      { name: 'mail', _id: '42', data: { to: 'ada' }, nextRunAt: DUE, ...attrs },
      true,
    );

  beforeEach(() => {
    packages = new FakePackages();
    recorded = recordRuns();
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
    packages.remove();
  });

  for (const version of ['5.0.0', '6.2.6'] as const) {
    describe(version, () => {
      beforeEach(() => load(version));

      it('makes a run of each run', async () => {
        assert.equal(await jobOf(() => 'sent').run(), 'sent');
        const run = recorded.run();
        assert.deepEqual(
          [run.operation, run.id, run.status, run.kind],
          ['mail', 'mail.42.1', 'success', SpanKind.CONSUMER],
        );
        assert.deepEqual(
          ['task.attempt', 'task.job.id', 'task.trigger', 'messaging.destination.name'].map(
            (key) => run.attributes[key],
          ),
          [1, '42', 'queue', 'mail'],
        );
        assert.equal(run.started['task.enqueued_at'], DUE.getTime() / 1000);
      });

      it('hears of a failure that nobody throws, with the very error', async () => {
        await jobOf(() => {
          throw new RangeError('no');
        }).run();
        const { status, errorType, attributes } = recorded.run();
        assert.deepEqual([status, errorType, attributes['task.will_retry']], ['failure', 'RangeError', false]);
      });

      it('does not take an old failure for one of this run', async () => {
        await jobOf(() => undefined, { failedAt: new Date(0), failCount: 2 }).run();
        const run = recorded.run();
        assert.deepEqual([run.status, run.id, run.started['task.enqueued_at']], ['success', 'mail.42.3', undefined]);
      });

      it('takes the slot of a repeated job before it is overwritten', async () => {
        await jobOf(() => undefined, { repeatInterval: '5 minutes', type: 'single', failCount: 3 }).run();
        const { id, attributes, started } = recorded.run();
        assert.deepEqual(
          [id, ...['task.trigger', 'task.schedule', 'task.scheduled_at', 'task.attempt'].map((key) => attributes[key])],
          [`mail.42.${DUE.getTime()}`, 'schedule', '5 minutes', DUE.getTime() / 1000, 1],
        );
        assert.equal(started['task.enqueued_at'], undefined);
      });

      it('says of a repeated job that the next slot is no retry', async () => {
        const fails = (): never => {
          throw new RangeError('no');
        };
        await jobOf(fails, { repeatInterval: '5 minutes' }).run();
        assert.equal(recorded.run().attributes['task.will_retry'], false);
      });

      it('does not know since when a job waits that began before', async () => {
        await jobOf(() => undefined, { nextRunAt: null }).run();
        assert.equal(recorded.run().started['task.enqueued_at'], undefined);
      });

      it('tells of a new job, and not of changes or schedules', async () => {
        const fresh = new agenda.Job({}, { name: 'mail', data: { to: 'ada' } });
        assert.equal(await fresh.save(), fresh);
        await fresh.save();
        await new agenda.Job({}, { name: 'mail', type: 'single', repeatInterval: '1 hour' }).save();
        await new agenda.Job({}, { name: 'mail', repeatAt: '3:00pm' }).save();
        assert.deepEqual(
          recorded.enqueues().map(({ name, attributes }) => [name, attributes['messaging.message.id']]),
          [['send mail', 'id-1']],
        );
        assert.deepEqual(Object.keys(fresh.attrs), ['type', 'name', 'data', '_id']);
        assert.deepEqual(fresh.attrs['data'], { to: 'ada' });
      });

      it('leaves a save that fails as it was', async () => {
        const job = new agenda.Job({ isDown: true }, { name: 'mail', data: { to: 'ada' } });
        await assert.rejects(job.save(), /down/);
        assert.deepEqual(job.attrs, { type: 'normal', name: 'mail', data: { to: 'ada' } });
      });

      it('restores what it has hooked', async () => {
        instrumentation.disable();
        await jobOf(() => undefined).run();
        await new agenda.Job({}, { name: 'mail' }).save();
        assert.deepEqual([recorded.runs(), recorded.enqueues()], [[], []]);
      });
    });
  }

  for (const [version, config] of [
    ['5.0.0', undefined],
    ['6.2.6', { carrier: 'data' }],
  ] as const) {
    it(`${version}: a carrier comes along, and the handler does not see it`, async () => {
      load(version, config);
      const data = Object.freeze({ to: 'ada' });
      await new agenda.Job({}, { name: 'mail', data }).save();
      const [stored] = agenda.stored;
      let seen: unknown;
      await jobOf(({ attrs }) => (seen = structuredClone(attrs)), { ...stored }).run();
      assert.deepEqual([(seen as Attributes).data, '__taskspan' in (seen as object)], [data, false]);
      assert.deepEqual(
        recorded.run().links.map((link) => link.context.spanId),
        recorded.enqueues().map((span) => span.spanContext().spanId),
      );
    });
  }

  it('5: a carrier that is there stays', async () => {
    load('5.0.0');
    const own = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    await new agenda.Job({}, { name: 'mail', __taskspan: own }).save();
    assert.deepEqual(agenda.stored[0]?.['__taskspan'], own);
  });

  it('6: data stay as they are unless that is wanted', async () => {
    load('6.2.6');
    await new agenda.Job({}, { name: 'mail', data: { to: 'ada' } }).save();
    assert.deepEqual(agenda.stored, [{ type: 'normal', name: 'mail', data: { to: 'ada' } }]);
  });

  it('6: backoff decides whether there is another attempt', async () => {
    load('6.2.6');
    const fails = (): never => {
      throw new TypeError('no');
    };
    for (const delay of [10, null]) await jobOf(fails, {}, { definitions: { mail: { backoff: () => delay } } }).run();
    assert.deepEqual(
      recorded.runs().map(({ attributes }) => attributes['task.will_retry']),
      [true, false],
    );
  });

  for (const [message, status, errorType] of [
    ["execution of 'mail' canceled, execution took more than 600000ms. Call touch()", 'failure', 'timeout'],
    ["execution of 'mail' canceled, no lockedAt date found.", 'cancelled', 'aborted'],
  ] as const) {
    it(`6: a lock that is lost ends the run as ${errorType}`, async () => {
      load('6.2.6');
      const job = jobOf(({ cancel }) => void cancel.call(job, new Error(message)));
      await job.run();
      const run = recorded.run();
      assert.deepEqual([run.status, run.errorType], [status, errorType]);
      assert.deepEqual(run.lines, ['the handler returned after its run had ended']);
    });
  }

  it('6: what stops because it was cancelled is cancelled, what goes on is not', async () => {
    load('6.2.6');
    await jobOf((job) => {
      job.cancel();
      throw new Error('got canceled already');
    }).run();
    await jobOf((job) => job.cancel()).run();
    assert.deepEqual(
      recorded.runs().map(({ status, errorType }) => [status, errorType]),
      [
        ['cancelled', 'aborted'],
        ['success', undefined],
      ],
    );
  });

  it('6: a run that the application asked for is manual', async () => {
    load('6.2.6');
    await new agenda.Job({ handler: () => undefined }, { name: 'mail', nextRunAt: DUE }).run();
    const { attributes, started } = recorded.run();
    assert.deepEqual([attributes['task.trigger'], started['task.enqueued_at']], ['manual', undefined]);
  });
});
