import assert from 'node:assert/strict';
import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { runTask } from '@taskspan/core';
import { closeOpenRuns, currentRun, type RunRecord, RunStampSpanProcessor, state } from '@taskspan/core/hub';
import { isBatchReceipt, isConsumerRun } from './consumer-span.ts';
import { TaskMetrics } from './task-metrics.ts';
import { taskSampler } from './task-sampler.ts';

/** The spans of the official instrumentations, as version 0.32 of kafkajs' and 0.70 of amqplib's start them. */
const KAFKA: Attributes = {
  'messaging.system': 'kafka',
  'messaging.destination.name': 'orders',
  'messaging.destination.partition.id': '3',
  'messaging.operation.type': 'process',
  'messaging.operation.name': 'process',
  'messaging.kafka.offset': '42',
};
const AMQP: Attributes = {
  'messaging.protocol': 'AMQP',
  'messaging.destination': 'shop',
  'messaging.destination_kind': 'topic',
  'messaging.rabbitmq.routing_key': 'orders.new',
  'messaging.operation': 'process',
};
const POLL: Attributes = {
  ...KAFKA,
  'messaging.operation.type': 'receive',
  'messaging.operation.name': 'poll',
  'messaging.batch.message_count': 3,
};

const PRODUCER: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
};

interface Setup {
  readonly taskMetrics: TaskMetrics;
  readonly records: RunRecord[];
  readonly exporter: InMemorySpanExporter;
  tracer(scope?: string): Tracer;
  /** Starts the span of one message, as its child of the producer. */
  consume(name: string, attributes: Attributes, parent?: SpanContext): Span;
  span(name: string): ReadableSpan;
  events(): string[];
}

let stop: () => void = () => {};

function setUp(options: { readonly sampler?: Sampler; readonly ignoreScopes?: readonly string[] } = {}): Setup {
  const taskMetrics = new TaskMetrics({ ignoreScopes: options.ignoreScopes });
  const records: RunRecord[] = [];
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    sampler: taskSampler(options.sampler),
    spanProcessors: [taskMetrics, new RunStampSpanProcessor(), new SimpleSpanProcessor(exporter)],
  });
  const sink = (record: RunRecord): void => void records.push(record);
  // Those that tests in the same process left open.
  state.openRuns.clear();
  state.tracerProvider = provider;
  state.sinks.push(sink);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  stop = () => {
    context.disable();
    state.tracerProvider = undefined;
    state.adopted = undefined;
    state.sinks.splice(state.sinks.indexOf(sink), 1);
  };
  const tracer = (scope = '@opentelemetry/instrumentation-kafkajs'): Tracer => provider.getTracer(scope);
  return {
    taskMetrics,
    records,
    exporter,
    tracer,
    consume: (name, attributes, parent) => {
      const base = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
      return tracer().startSpan(name, { kind: SpanKind.CONSUMER, attributes }, base);
    },
    span: (name) => {
      const [found, ...more] = exporter.getFinishedSpans().filter((span) => span.name === name);
      assert.ok(found !== undefined && more.length === 0, `one span ${name}`);
      return found;
    },
    events: () => records.map((record) => record.eventName ?? '-'),
  };
}

describe('a consumer span', () => {
  afterEach(() => stop());

  it('becomes a run, counted from start to end', () => {
    const { taskMetrics, consume, span } = setUp();
    const made = consume('process orders', KAFKA);
    assert.equal(taskMetrics.snapshot().operations['orders']?.running, 1);
    made.end();
    const { running, started, total } = taskMetrics.snapshot().operations['orders'] ?? assert.fail('no orders');
    assert.deepEqual([running, started, total.success], [0, 1, 1]);
    const { attributes, kind, name } = span('process orders');
    assert.deepEqual([kind, name], [SpanKind.CONSUMER, 'process orders']);
    assert.equal(attributes['operation'], 'orders');
    assert.equal(attributes['task.status'], 'success');
    assert.match(String(attributes['task.id']), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.match(String(attributes['task.file']), /^\d{4}-\d{2}-\d{2}\//);
    assert.equal(attributes['task.library'], 'kafkajs');
    assert.equal(attributes['task.job.id'], '3.42');
    assert.equal(attributes['task.trigger'], 'queue');
  });

  it('writes the records of its run, with the times of its span', () => {
    const { consume, events, records, span } = setUp();
    consume('process orders', KAFKA).end();
    assert.deepEqual(events(), ['task.started', 'task.ended']);
    const [started, ended] = records;
    const made = span('process orders');
    const { startTime, endTime } = made;
    assert.deepEqual(
      records.map((record) => record.sequence),
      [1, 2],
    );
    assert.equal(started?.run.runId, made.spanContext().spanId);
    assert.equal(started?.run.id, made.attributes['task.id']);
    assert.equal(started?.attributes?.['messaging.destination.partition.id'], '3');
    assert.equal(started?.timeMs, startTime[0] * 1e3 + startTime[1] / 1e6);
    assert.equal(ended?.timeMs, endTime[0] * 1e3 + endTime[1] / 1e6);
    assert.equal(ended?.attributes?.['task.status'], 'success');
    assert.equal(typeof ended?.attributes?.['task.duration_seconds'], 'number');
  });

  it('fails as its span does, with the message as the error of the log', () => {
    const { taskMetrics, consume, records, events } = setUp();
    const made = consume('process orders', KAFKA);
    made.setAttribute('error.type', 'TypeError').setStatus({ code: SpanStatusCode.ERROR, message: 'no such order' });
    made.end();
    assert.equal(taskMetrics.snapshot().operations['orders']?.total.failure, 1);
    assert.deepEqual(events(), ['task.started', 'exception', 'task.ended']);
    assert.deepEqual(records[1]?.attributes, {
      'exception.type': 'TypeError',
      'exception.message': 'no such order',
    });
    assert.equal(records[2]?.attributes?.['error.type'], 'TypeError');
  });

  it('gives the errors recorded on it to the log', () => {
    const { consume, records } = setUp();
    const made = consume('process orders', KAFKA);
    made.recordException(new RangeError('too many'));
    made.setStatus({ code: SpanStatusCode.ERROR }).end();
    assert.equal(records[1]?.body, 'too many');
    assert.match(String(records[1]?.attributes?.['exception.stacktrace']), /RangeError: too many/);
    assert.equal(records[2]?.attributes?.['error.type'], 'RangeError');
  });

  it('ends with a task.status that its maker claims, but never as orphaned', () => {
    const { taskMetrics, consume } = setUp();
    consume('process orders', KAFKA).setAttribute('task.status', 'deferred').end();
    consume('process orders', KAFKA).setAttribute('task.status', 'orphaned').end();
    const { total } = taskMetrics.snapshot().operations['orders'] ?? {};
    assert.deepEqual([total?.deferred, total?.success, total?.orphaned], [1, 1, 0]);
  });

  it('keeps its parent, the producer, and links it', () => {
    const { consume, span } = setUp();
    consume('process orders', KAFKA, PRODUCER).end();
    const { parentSpanContext, links } = span('process orders');
    assert.equal(parentSpanContext?.spanId, PRODUCER.spanId);
    assert.deepEqual(
      links.map((link) => link.context.spanId),
      [PRODUCER.spanId],
    );
  });

  it('is the run of all that is made in its context, and of that only', () => {
    const { tracer, consume, span } = setUp();
    const outer = tracer('app').startSpan('before');
    const made = consume('process orders', KAFKA, PRODUCER);
    const within = trace.setSpan(ROOT_CONTEXT, made);
    context.with(within, () => {
      assert.equal(currentRun()?.operation, 'orders');
      tracer('pg').startActiveSpan('select', (select) => {
        assert.equal(currentRun()?.operation, 'orders');
        tracer('net').startSpan('connect').end();
        select.end();
      });
    });
    assert.equal(currentRun(), undefined);
    made.end();
    outer.end();
    const id = span('process orders').attributes['task.id'];
    for (const name of ['select', 'connect']) {
      const { attributes } = span(name);
      assert.equal(attributes['task.id'], id);
      assert.equal(attributes['task.file'], span('process orders').attributes['task.file']);
      assert.equal(attributes['operation'], undefined);
    }
    assert.equal(span('before').attributes['task.id'], undefined);
    // What is logged after the end of a run keeps its id.
    assert.equal(context.with(within, currentRun)?.id, id);
  });

  it('is told from the run in which its consumer was set up, and from runs inside', () => {
    const { consume, span } = setUp();
    runTask('boot', () => {
      const made = consume('process orders', KAFKA);
      context.with(trace.setSpan(context.active(), made), () => {
        assert.equal(currentRun()?.operation, 'orders');
        runTask('ship', () => {
          assert.equal(currentRun()?.operation, 'ship');
          made.end();
        });
        assert.equal(currentRun()?.operation, 'orders');
      });
      assert.equal(currentRun()?.operation, 'boot');
    });
    assert.deepEqual(
      span('ship').links.map((link) => link.context.spanId),
      [span('process orders').spanContext().spanId],
    );
  });

  it('counts, has a file and a log when nothing is sampled', () => {
    const { taskMetrics, consume, events, exporter } = setUp({ sampler: new AlwaysOffSampler() });
    consume('process orders', KAFKA, { ...PRODUCER, traceFlags: TraceFlags.NONE }).end();
    assert.equal(taskMetrics.snapshot().operations['orders']?.total.success, 1);
    assert.deepEqual(events(), ['task.started', 'task.ended']);
    assert.deepEqual(exporter.getFinishedSpans(), []);
  });

  it('keeps an id that it brings', () => {
    const { consume, span } = setUp();
    consume('process orders', { ...KAFKA, 'task.id': 'mine' }).end();
    assert.equal(span('process orders').attributes['task.id'], 'mine');
    assert.match(String(span('process orders').attributes['task.file']), /\/mine$/);
  });

  it('keeps what makes it a run, whatever is written over it', () => {
    const { taskMetrics, consume, span } = setUp();
    const made = consume('process orders', KAFKA);
    made.setAttributes({ operation: 'other', 'task.id': 'other', 'task.file': '../other' }).end();
    const { attributes } = span('process orders');
    assert.equal(attributes['operation'], 'orders');
    assert.notEqual(attributes['task.id'], 'other');
    assert.notEqual(attributes['task.file'], '../other');
    assert.deepEqual(Object.keys(taskMetrics.snapshot().operations), ['orders']);
  });

  it('ends with the process, once', () => {
    const { taskMetrics, consume, records, span } = setUp();
    const made = consume('process orders', KAFKA);
    const failing = consume('process bills', { ...KAFKA, 'messaging.destination.name': 'bills' });
    const [first] = [...state.openRuns];
    first?.close({ status: 'cancelled', errorType: 'process_exit' });
    closeOpenRuns({ error: new SyntaxError('uncaught') });
    made.end();
    failing.end();
    const { operations } = taskMetrics.snapshot();
    assert.deepEqual([operations['orders']?.total.cancelled, operations['orders']?.running], [1, 0]);
    assert.deepEqual([operations['bills']?.total.failure, operations['bills']?.running], [1, 0]);
    assert.equal(span('process orders').attributes['error.type'], 'process_exit');
    assert.equal(span('process bills').attributes['error.type'], 'SyntaxError');
    assert.equal(records.filter((record) => record.eventName === 'task.ended').length, 2);
  });

  it('is no run when its scope is ignored', () => {
    const { taskMetrics, consume, events } = setUp({ ignoreScopes: ['@opentelemetry/instrumentation-kafkajs'] });
    consume('process orders', KAFKA).end();
    assert.deepEqual(taskMetrics.snapshot().operations, {});
    assert.deepEqual(events(), []);
  });

  it('is one run for two processors', () => {
    const { taskMetrics, consume, events } = setUp();
    const made = consume('process orders', KAFKA);
    const second = new TaskMetrics();
    second.onStart(made as Parameters<TaskMetrics['onStart']>[0]);
    made.end();
    second.onEnd(made as unknown as ReadableSpan);
    assert.equal(second.snapshot().operations['orders']?.total.success, 1);
    assert.equal(taskMetrics.snapshot().operations['orders']?.total.success, 1);
    assert.deepEqual(events(), ['task.started', 'task.ended']);
  });
});

describe('a batch of messages', () => {
  afterEach(() => stop());

  /** As the official instrumentation of kafkajs does it: all are started in the span of the poll, and end together. */
  function consumeBatch({ tracer }: Setup, work: () => void): void {
    const poll = tracer().startSpan('poll orders', { kind: SpanKind.CLIENT, attributes: POLL }, ROOT_CONTEXT);
    context.with(trace.setSpan(context.active(), poll), () => {
      const spans = ['40', '41', '42'].map((offset) =>
        tracer().startSpan('process orders', {
          kind: SpanKind.CONSUMER,
          attributes: { ...KAFKA, 'messaging.kafka.offset': offset },
          links: [{ context: PRODUCER }],
        }),
      );
      work();
      for (const span of [poll, ...spans]) span.end();
    });
  }

  for (const [what, sampler] of [
    ['sampled', undefined],
    ['not sampled', new AlwaysOffSampler()],
  ] as const) {
    it(`is a run for each, told how many they are; the first one has what the work logs (${what})`, () => {
      const setup = setUp(sampler === undefined ? {} : { sampler });
      let worker: string | undefined;
      consumeBatch(setup, () => {
        worker = currentRun()?.id;
        setup.tracer('pg').startSpan('insert').end();
      });
      assert.equal(setup.taskMetrics.snapshot().operations['orders']?.total.success, 3);
      const started = setup.records.filter((record) => record.eventName === 'task.started');
      assert.deepEqual(
        started.map(({ attributes }) => [attributes?.['task.job.id'], attributes?.['task.batch.size']]),
        [
          ['3.40', 3],
          ['3.41', 3],
          ['3.42', 3],
        ],
      );
      assert.equal(new Set(started.map((record) => record.run.id)).size, 3);
      assert.equal(worker, started[0]?.run.id);
      if (sampler !== undefined) return;
      assert.equal(setup.span('insert').attributes['task.id'], worker);
      assert.equal(setup.span('poll orders').attributes['task.id'], worker);
      const messages = setup.exporter.getFinishedSpans().filter((span) => span.name === 'process orders');
      // They link their producers already.
      assert.deepEqual(
        messages.map((span) => span.links.length),
        [1, 1, 1],
      );
    });
  }
});

describe('the operation of a consumer span', () => {
  afterEach(() => stop());

  for (const [what, name, attributes, operation] of [
    ['the topic', 'process orders', KAFKA, 'orders'],
    ['the queue in its name, where the destination is an exchange', 'mails process', AMQP, 'mails'],
    ['the destination of the oldest convention', 'orders', { ...AMQP, 'messaging.destination': 'orders' }, 'orders'],
    ['its template', 'x', { ...KAFKA, 'messaging.destination.template': 'orders.{region}' }, 'orders.{region}'],
    ['the exchange, for a queue that the server has named', 'amq.gen-JzTY20BRgKO process', AMQP, 'shop'],
    ['(temporary)', 'amq.gen-JzTY20 process', { 'messaging.operation': 'process' }, '(temporary)'],
    ['(temporary), as it says', 'process r7', { ...KAFKA, 'messaging.destination.temporary': true }, '(temporary)'],
    ['the exchange, for a queue without a name', ' process', AMQP, 'shop'],
    ['its name, without any of these', 'ServiceBus', { 'messaging.operation': 'process' }, 'ServiceBus'],
    ['unknown, without a name', ' ', { 'messaging.operation': 'process' }, 'unknown'],
    ['what it says', 'process orders', { ...KAFKA, operation: 'bill' }, 'bill'],
    ['unknown, when it says nonsense', 'process orders', { ...KAFKA, operation: 7 }, 'unknown'],
    ['at most 256 characters', 'x', { ...KAFKA, 'messaging.destination.name': 'y'.repeat(999) }, 'y'.repeat(256)],
  ] as const satisfies readonly (readonly [string, string, Attributes, string])[]) {
    it(`is ${what}`, () => {
      const { taskMetrics, tracer } = setUp();
      tracer().startSpan(name, { kind: SpanKind.CONSUMER, attributes }).end();
      assert.deepEqual(Object.keys(taskMetrics.snapshot().operations), [operation]);
    });
  }

  it('comes with the library that made the span, and the id of the message', () => {
    const { tracer, records } = setUp();
    const start = (scope: string, attributes: Attributes): void =>
      tracer(scope).startSpan('a', { kind: SpanKind.CONSUMER, attributes }).end();
    start('@opentelemetry/instrumentation-amqplib', { ...AMQP, 'messaging.message_id': 'm-1' });
    start('azure', { ...KAFKA, 'messaging.message.id': 'm-2' });
    start('azure', { 'messaging.operation': 'process', 'messaging.kafka.message.offset': 7 });
    start('azure', { 'messaging.operation': 'process' });
    assert.deepEqual(
      records
        .filter((record) => record.eventName === 'task.started')
        .map(({ attributes }) => [attributes?.['task.library'], attributes?.['task.job.id']]),
      [
        ['amqplib', 'm-1'],
        ['azure', 'm-2'],
        ['azure', '7'],
        ['azure', undefined],
      ],
    );
  });
});

describe('the attributes of messaging spans', () => {
  it('tell which are runs', () => {
    for (const attributes of [KAFKA, AMQP]) {
      assert.equal(isConsumerRun(SpanKind.CONSUMER, attributes), true);
      for (const kind of [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.SERVER])
        assert.equal(isConsumerRun(kind, attributes), false);
    }
    assert.equal(isConsumerRun(SpanKind.CONSUMER, POLL), false);
  });

  it('tell which receive batches', () => {
    assert.equal(isBatchReceipt(POLL), true);
    assert.equal(isBatchReceipt(KAFKA), false);
    assert.equal(isBatchReceipt({ 'messaging.operation.type': 'receive' }), false);
  });
});
