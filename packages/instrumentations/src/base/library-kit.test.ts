import assert from 'node:assert/strict';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { startTask } from '@taskspan/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { RunFacts } from './facts.ts';
import { LibraryKit } from './library-kit.ts';
import { type RecordedRuns, recordRuns } from './recorded-runs.test.support.ts';
import type { Callable, LibraryCall } from './wrapped-function.ts';

const kitOf = (library: string, owns: readonly string[] = []): LibraryKit =>
  new LibraryKit({ library, owns, operation: () => undefined });

const callOf = (original: Callable, ...args: unknown[]): LibraryCall => ({ original, self: undefined, args });

const QUEUE: RunFacts = { operation: 'send', trigger: 'queue', queue: 'emails', id: 'emails.42.1', jobId: '42' };

describe('LibraryKit', () => {
  let recorded: RecordedRuns;
  const kit = kitOf('bullmq');
  beforeEach(() => {
    recorded = recordRuns();
  });
  afterEach(() => recorded.stop());

  it('makes a call the run that its facts describe', async () => {
    const facts: RunFacts = {
      ...QUEUE,
      attempt: 2,
      maxAttempts: 3,
      enqueuedAt: 1000,
      schedule: '* * * * *',
      scheduledAt: 5000,
      carrier: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
      attributes: { priority: 7 },
    };
    const work = async (value: number): Promise<number> => value + 1;
    assert.equal(await kit.run(callOf(work, 1), () => facts), 2);
    const run = recorded.run();
    assert.deepEqual(
      [run.operation, run.id, run.status, run.kind],
      ['send', 'emails.42.1', 'success', SpanKind.CONSUMER],
    );
    const { operation: _, 'task.id': _id, 'task.file': _file, 'task.status': _status, ...attributes } = run.attributes;
    assert.deepEqual(attributes, {
      'task.attempt': 2,
      'task.max_attempts': 3,
      'task.library': 'bullmq',
      'task.trigger': 'queue',
      'task.job.id': '42',
      'task.schedule': '* * * * *',
      'task.scheduled_at': 5,
      'messaging.system': 'bullmq',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': 'emails',
      'messaging.message.id': '42',
      priority: 7,
    });
    assert.equal(run.started['task.enqueued_at'], 1);
    assert.deepEqual(
      run.links.map((link) => link.context.spanId),
      ['b'.repeat(16)],
    );
  });

  it('hands on the very promise, and the very error', async () => {
    const promise = Promise.resolve(1);
    assert.equal(
      kit.run(
        callOf(() => promise),
        () => QUEUE,
      ),
      promise,
    );
    const error = new TypeError('x');
    const thrower = (): never => {
      throw error;
    };
    assert.throws(
      () => kit.run(callOf(thrower), () => QUEUE),
      (thrown) => thrown === error,
    );
    await promise;
    assert.deepEqual(
      recorded.runs().map((run) => [run.status, run.errorType]),
      [
        ['failure', 'TypeError'],
        ['success', undefined],
      ],
    );
  });

  it('begins at the root: what is active belongs to whoever made the timer', () => {
    const outer = startTask('request');
    outer.run(() =>
      kit.run(
        callOf(() => {}),
        () => ({ operation: 'tick', trigger: 'schedule' }),
      ),
    );
    outer.end();
    const tick = recorded.runs().find((run) => run.operation === 'tick');
    assert.deepEqual([tick?.links, tick?.span.parentSpanContext], [[], undefined]);
  });

  it('makes the call without a run when nothing is described, or describing fails', () => {
    assert.equal(
      kit.run(
        callOf(() => 1),
        () => undefined,
      ),
      1,
    );
    const broken = (): never => {
      throw new Error('no such field');
    };
    assert.equal(
      kit.run(
        callOf(() => 2),
        broken,
      ),
      2,
    );
    assert.deepEqual(recorded.runs(), []);
    assert.match(recorded.warnings.join(), /describing a run of bullmq failed: Error: no such field/);
  });

  it('ends a run as its library means it', async () => {
    const error = new Error('delayed');
    const endings = [
      [{ status: 'deferred', willRetry: true }, 'deferred', undefined, true],
      [{ status: 'failure', error: new RangeError('held back'), willRetry: false }, 'failure', 'RangeError', false],
      [undefined, 'failure', 'Error', undefined],
    ] as const;
    for (const [classified] of endings) {
      const failing = async (): Promise<never> => {
        throw error;
      };
      await assert.rejects(
        kit.run(callOf(failing), () => ({ ...QUEUE, classify: () => classified })) as Promise<never>,
      );
    }
    assert.deepEqual(
      recorded.runs().map((run) => [run.status, run.errorType, run.attributes['task.will_retry']]),
      endings.map(([, ...expected]) => expected),
    );
  });

  it('counts every job of a batch, which begin and end together; the first is active', async () => {
    const jobs = [{}, {}, {}];
    const facts = jobs.map(
      (job, at): RunFacts => ({
        ...QUEUE,
        id: `emails.${at}.1`,
        job,
        batchSize: 3,
        classify: () => (at === 1 ? { status: 'failure', errorType: 'x' } : undefined),
      }),
    );
    let active: unknown;
    await kit.run(
      callOf(async () => {
        active = trace.getSpanContext(context.active())?.spanId;
      }),
      () => facts,
    );
    const runs = recorded.runs();
    assert.deepEqual(
      runs.map((run) => [run.id, run.status, run.attributes['task.batch.size']]),
      [
        ['emails.0.1', 'success', 3],
        ['emails.1.1', 'failure', 3],
        ['emails.2.1', 'success', 3],
      ],
    );
    assert.equal(active, runs[0]?.span.spanContext().spanId);
  });

  it('finds the run of a job, which the library may end first; what comes later is a line in its log', async () => {
    const job = {};
    let finish = (): void => {};
    const work = kit.run(
      callOf(
        () =>
          new Promise<void>((resolve) => {
            finish = resolve;
          }),
      ),
      () => ({ ...QUEUE, job }),
    );
    kit.runOf(job)?.report({ status: 'failure', errorType: 'timeout' });
    finish();
    await work;
    const run = recorded.run();
    assert.deepEqual(
      [run.status, run.errorType, run.lines],
      ['failure', 'timeout', ['the handler returned after its run had ended']],
    );
    assert.equal(kit.runOf('no object'), undefined);
  });

  it('hears out a handler whose run the library ends before', async () => {
    const error = new TypeError('x');
    let settle = (): void => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const owner = {
      async handler(job: { readonly isFailing: boolean }): Promise<number> {
        await settled;
        if (job.isFailing) throw error;
        return 1;
      },
    };
    const { handler } = owner;
    kit.hearOut(owner, 'handler', ({ args }) => args[0]);
    const heard = owner.handler;
    kit.hearOut(owner, 'handler', ({ args }) => args[0]);
    assert.notEqual(heard, handler);
    assert.deepEqual([owner.handler, heard.name, heard.length], [heard, 'handler', 1]);
    const jobs = [{ isFailing: false }, { isFailing: true }];
    const answers = jobs.map((job) => {
      let answer: Promise<number> | undefined;
      const timeout = (): void => {
        answer = owner.handler(job);
      };
      kit.run(callOf(timeout), () => ({ ...QUEUE, job }));
      return answer;
    });
    const outside = owner.handler({ isFailing: false });
    settle();
    assert.deepEqual(await Promise.allSettled([...answers, outside]), [
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: 1 },
    ]);
    assert.deepEqual(
      recorded.runs().map(({ lines }) => lines),
      [['the handler returned after its run had ended'], ['the handler failed after its run had ended']],
    );
    kit.hearOut({}, 'handler', () => undefined);
  });

  it('asks the application for the name of a run, and takes its own where the answer is none', () => {
    const names: unknown[] = ['mine', undefined, '', 7];
    const own = new LibraryKit({ library: 'bullmq', owns: [], operation: () => () => names.shift() as string });
    for (let at = 0; at < 4; at += 1)
      own.run(
        callOf(() => {}),
        () => QUEUE,
      );
    assert.deepEqual(
      recorded.runs().map((run) => run.operation),
      ['mine', 'send', 'send', 'send'],
    );
    assert.equal(recorded.warnings.filter((warning) => /operation option of bullmq/.test(warning)).length, 1);
  });

  it('makes one run of a scheduler on a scheduler, which ends as the one above says', async () => {
    const below = kitOf('croner');
    const above = kitOf('toad-scheduler', ['croner']);
    const swallowing = async (): Promise<void> => {
      const failing = async (): Promise<never> => {
        throw new TypeError('x');
      };
      await (
        above.run(callOf(failing), () => ({
          operation: 'report',
          trigger: 'schedule',
          label: 'x',
          attributes: { name: 'report' },
        })) as Promise<void>
      ).catch(() => {});
    };
    await below.run(callOf(swallowing), () => ({ operation: 'tick', trigger: 'schedule' }));
    const run = recorded.run();
    assert.deepEqual(
      [run.status, run.errorType, run.attributes['task.library'], run.attributes['name'], run.lines],
      ['failure', 'TypeError', 'toad-scheduler', 'report', []],
    );
  });

  it('keeps libraries apart that do not own one another', () => {
    kitOf('a').run(
      callOf(() =>
        kitOf('b').run(
          callOf(() => {}),
          () => QUEUE,
        ),
      ),
      () => QUEUE,
    );
    assert.equal(recorded.runs().length, 2);
  });

  it('enqueues inside a PRODUCER span whose context goes along, and changes nothing that was handed in', async () => {
    const options = Object.freeze({ delay: 5 });
    const seen: unknown[] = [];
    const add = async (name: string, opts: object): Promise<{ id: string }> => {
      seen.push(name, opts);
      return { id: '42' };
    };
    const result = kit.enqueue(callOf(add, 'send', options), () => ({
      system: 'bullmq',
      destination: 'emails',
      name: 'add',
      inject: (carrier) => ['send', { ...options, carrier }],
      messageId: (job) => (job as { id: string }).id,
    }));
    assert.deepEqual(await result, { id: '42' });
    const [span] = recorded.enqueues();
    const { traceId, spanId } = span?.spanContext() ?? {};
    assert.deepEqual(seen, ['send', { delay: 5, carrier: { traceparent: `00-${traceId}-${spanId}-01` } }]);
    assert.equal(span?.attributes['messaging.message.id'], '42');
  });

  it('enqueues also when translating fails', () => {
    const add = (): number => 1;
    const broken = (): never => {
      throw new Error('x');
    };
    assert.equal(kit.enqueue(callOf(add), broken), 1);
    assert.equal(
      kit.enqueue(callOf(add), () => ({ system: 'a', destination: 'b', name: 'c', inject: broken, messageId: broken })),
      1,
    );
    assert.equal(
      kit.enqueue(callOf(add), () => undefined),
      1,
    );
    assert.equal(recorded.enqueues().length, 1);
  });

  it('reports a lost run once for its id', () => {
    const carrier = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const lost = { ...QUEUE, id: 'emails.9.1', startedAt: 1000, attempt: 1, maxAttempts: 3, carrier };
    kit.orphaned(lost);
    kit.orphaned(lost);
    const { operation, id, status, errorType, kind, links, attributes } = recorded.run();
    assert.deepEqual(
      [operation, id, status, errorType, kind],
      ['send', 'emails.9.1', 'orphaned', 'process_lost', SpanKind.CONSUMER],
    );
    const said = { 'task.library': 'bullmq', 'task.job.id': '42', 'task.trigger': 'queue', 'task.max_attempts': 3 };
    const told = recorded.records.find((record) => record.eventName === 'task.orphaned')?.attributes;
    for (const [key, value] of Object.entries(said)) assert.deepEqual([attributes[key], told?.[key]], [value, value]);
    assert.equal(attributes['messaging.system'], 'bullmq');
    assert.deepEqual(
      links.map((link) => link.context.spanId),
      ['b'.repeat(16)],
    );
  });

  it('counts what did not happen', () => {
    kit.missed('report', 'overlap', new Date());
    kit.missed('report', 'missed');
    assert.deepEqual(recorded.missed(), ['report overlap', 'report missed']);
  });
});
