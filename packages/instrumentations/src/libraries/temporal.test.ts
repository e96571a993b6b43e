import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { FakePackages } from './fake-package.test.support.ts';
import { TemporalInstrumentation } from './temporal.ts';

const SOURCE = 'exports.Worker = class Worker { static async create(options) { return { options, by: this }; } };';

interface Interceptor {
  readonly inbound: { execute(input: object, next: (input: object) => Promise<unknown>): Promise<unknown> };
}

type Factory = (context: object) => Interceptor;

interface WorkerClass {
  create(options: object): Promise<{ options: { interceptors: { activity: Factory[] } }; by: unknown }>;
}

const INFO = {
  activityId: '1',
  activityType: 'chargeCard',
  attempt: 2,
  taskQueue: 'payments',
  isLocal: false,
  scheduledTimestampMs: 1000,
  workflowType: 'checkout',
  workflowExecution: { workflowId: 'order-7', runId: 'run-1' },
  retryPolicy: { maximumAttempts: 3, nonRetryableErrorTypes: ['CardStolen'] },
};

const named = (name: string, more: object = {}): Error => Object.assign(new Error(name), { name, ...more });

function abortedBy(message: string): AbortSignal {
  return AbortSignal.abort(Object.assign(new Error(message), { name: 'CancelledFailure' }));
}

describe('TemporalInstrumentation', () => {
  let packages: FakePackages;
  let recorded: RecordedRuns;
  let instrumentation: TemporalInstrumentation;
  let Worker: WorkerClass;

  beforeEach(() => {
    packages = new FakePackages();
    recorded = recordRuns();
    instrumentation = new TemporalInstrumentation();
    packages.install('@temporalio/worker', '1.24.0', { 'lib/index.js': SOURCE });
    ({ Worker } = packages.require('@temporalio/worker') as { Worker: WorkerClass });
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
    packages.remove();
  });

  /** What the library does with an activity. */
  async function execute(
    work: (input: object) => Promise<unknown>,
    context: object = {},
    input = {},
  ): Promise<unknown> {
    const { options } = await Worker.create({ taskQueue: 'payments' });
    const [factory] = options.interceptors.activity;
    assert.ok(factory !== undefined);
    return await factory({ info: INFO, ...context }).inbound.execute(input, work);
  }

  it('makes a run of every attempt of an activity', async () => {
    const header = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const headers = { '_tracer-data': { data: new TextEncoder().encode(JSON.stringify(header)) } };
    const input = { headers, args: [7] };
    let given: unknown;
    const work = async (one: object): Promise<string> => {
      given = one;
      return 'charged';
    };
    assert.equal(await execute(work, {}, input), 'charged');
    assert.equal(given, input);
    const run = recorded.run();
    assert.deepEqual(
      [run.operation, run.id, run.status, run.kind],
      ['chargeCard', 'payments.run-1.1.2', 'success', SpanKind.CONSUMER],
    );
    const { attributes } = run;
    assert.deepEqual(
      [attributes['task.job.id'], attributes['task.attempt'], attributes['task.max_attempts']],
      ['run-1.1', 2, 3],
    );
    assert.deepEqual(
      [
        attributes['messaging.destination.name'],
        attributes['temporal.workflow.id'],
        attributes['temporal.workflow.type'],
      ],
      ['payments', 'order-7', 'checkout'],
    );
    assert.deepEqual(
      run.links.map((link) => link.context.spanId),
      ['b'.repeat(16)],
    );
    assert.equal(run.started['task.enqueued_at'], undefined);
  });

  it('knows the wait of first attempts, and copes with what is missing', async () => {
    const info = { activityId: 'a', activityType: 'ping', attempt: 1, taskQueue: 'q', scheduledTimestampMs: 5000 };
    await execute(async () => {}, { info }, { headers: { '_tracer-data': { data: new Uint8Array([1, 2]) } } });
    const run = recorded.run();
    assert.deepEqual([run.id, run.started['task.enqueued_at'], run.links], ['q.a.1', 5, []]);
  });

  for (const [what, { error, context, status, errorType, willRetry }] of Object.entries<{
    error: Error;
    context?: object;
    status: string;
    errorType?: string;
    willRetry?: boolean;
  }>({
    'an error': { error: new TypeError('x'), status: 'failure', errorType: 'TypeError', willRetry: true },
    'the last attempt': {
      error: new TypeError('x'),
      context: { info: { ...INFO, attempt: 3 } },
      status: 'failure',
      errorType: 'TypeError',
      willRetry: false,
    },
    'no known policy': {
      error: new TypeError('x'),
      context: { info: { ...INFO, retryPolicy: undefined } },
      status: 'failure',
      errorType: 'TypeError',
    },
    'no limit of attempts': {
      error: new TypeError('x'),
      context: { info: { ...INFO, attempt: 99, retryPolicy: {} } },
      status: 'failure',
      errorType: 'TypeError',
      willRetry: true,
    },
    'a failure that is final': {
      error: named('ApplicationFailure', { type: 'CardExpired', nonRetryable: true }),
      status: 'failure',
      errorType: 'CardExpired',
      willRetry: false,
    },
    'a failure that the policy makes final': {
      error: named('ApplicationFailure', { type: 'CardStolen' }),
      status: 'failure',
      errorType: 'CardStolen',
      willRetry: false,
    },
    'completed elsewhere': { error: named('CompleteAsyncError'), status: 'deferred' },
    cancelled: {
      error: named('CancelledFailure'),
      context: { cancellationSignal: abortedBy('CANCELLED') },
      status: 'cancelled',
      errorType: 'aborted',
    },
    'cancelled by an aborted request': {
      error: named('AbortError'),
      context: { cancellationSignal: abortedBy('WORKER_SHUTDOWN') },
      status: 'cancelled',
      errorType: 'aborted',
    },
    paused: {
      error: named('CancelledFailure'),
      context: { cancellationSignal: abortedBy('CANCELLED'), cancellationDetails: { paused: true } },
      status: 'deferred',
    },
    reset: {
      error: named('CancelledFailure'),
      context: { cancellationSignal: abortedBy('CANCELLED'), cancellationDetails: { reset: true } },
      status: 'deferred',
    },
    'too late': {
      error: named('CancelledFailure'),
      context: { cancellationSignal: abortedBy('TIMED_OUT') },
      status: 'failure',
      errorType: 'timeout',
    },
    'a cancellation that nobody asked for': {
      error: named('CancelledFailure'),
      status: 'failure',
      errorType: 'CancelledFailure',
      willRetry: true,
    },
  })) {
    it(`${what}: ${status} ${errorType ?? ''}`, async () => {
      await assert.rejects(
        execute(() => Promise.reject(error), context),
        (thrown) => thrown === error,
      );
      const run = recorded.run();
      assert.deepEqual([run.status, run.errorType, run.attributes['task.will_retry']], [status, errorType, willRetry]);
    });
  }

  it('marks what is benign', async () => {
    const error = named('ApplicationFailure', { type: 'NotYet', category: 'BENIGN' });
    await assert.rejects(execute(() => Promise.reject(error)));
    assert.equal(recorded.run().attributes['temporal.failure.category'], 'BENIGN');
  });

  it("leaves the application's options and interceptors as they are", async () => {
    const own: Factory = () => ({ inbound: { execute: (input, next) => next(input) } });
    const options = Object.freeze({ taskQueue: 'q', interceptors: Object.freeze({ activity: Object.freeze([own]) }) });
    const made = await Worker.create(options);
    assert.deepEqual([made.by, made.options.interceptors.activity.length], [Worker, 2]);
    assert.equal(made.options.interceptors.activity[1], own);
    assert.deepEqual(Object.keys(made.options), ['taskQueue', 'interceptors']);
  });

  it('is gone when it is disabled', async () => {
    instrumentation.disable();
    const options = {};
    assert.equal((await Worker.create(options)).options, options);
  });
});
