import assert from 'node:assert/strict';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, it } from 'mocha';
import {
  type FakeConsumer,
  type FakePackages,
  fakePackages,
  type KafkaMessage,
} from './consumed-messages.test.support.ts';
import { KafkaJsInstrumentation } from './kafkajs.ts';

describe('kafkajs', () => {
  let exporter: InMemorySpanExporter;
  let packages: FakePackages;
  let instrumentation: KafkaJsInstrumentation;

  const start = (config: ConstructorParameters<typeof KafkaJsInstrumentation>[0] = {}): void => {
    instrumentation = new KafkaJsInstrumentation(config);
    instrumentation.setTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  };
  const spans = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
  const span = (name: string): ReadableSpan => {
    assert.equal(spans(name).length, 1, name);
    return spans(name)[0] as ReadableSpan;
  };

  /** Sends a message, and returns it as a broker would hand it out. */
  async function sent(offset: string): Promise<KafkaMessage> {
    const producer = packages.kafka().producer();
    await producer.send({ topic: 'orders', messages: [{ value: 'x' }] });
    return { value: 'x', offset, headers: producer.sent[0]?.messages[0]?.headers ?? {} };
  }

  async function consumer(config: Parameters<FakeConsumer['run']>[0]): Promise<FakeConsumer> {
    const made = packages.kafka().consumer();
    await made.run(config);
    return made;
  }

  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    packages = fakePackages();
  });
  afterEach(() => {
    instrumentation.disable();
    packages.remove();
    context.disable();
    propagation.disable();
  });

  it('makes a span of each message that is a run by its attributes, below its producer', async () => {
    start();
    let active: string | undefined;
    const { config } = await consumer({
      eachMessage: async () => {
        active = trace.getActiveSpan()?.spanContext().spanId;
      },
    });
    await config.eachMessage?.({ topic: 'orders', partition: 3, message: await sent('42') });
    const { attributes, kind, parentSpanContext, instrumentationScope, ...made } = span('process orders');
    assert.equal(kind, SpanKind.CONSUMER);
    assert.deepEqual(attributes, {
      'messaging.system': 'kafka',
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': '3',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.kafka.offset': '42',
    });
    assert.equal(parentSpanContext?.spanId, span('send orders').spanContext().spanId);
    assert.equal(parentSpanContext?.isRemote, true);
    assert.equal(active, span('process orders').spanContext().spanId);
    assert.equal(instrumentationScope.name, '@opentelemetry/instrumentation-kafkajs');
    assert.equal(made.status.code, SpanStatusCode.UNSET);
  });

  it('makes its span fail with the handler, whose error goes on', async () => {
    start();
    const error = new TypeError('no such order');
    const { config } = await consumer({
      eachMessage: async () => {
        throw error;
      },
    });
    await assert.rejects(
      Promise.resolve(config.eachMessage?.({ topic: 'orders', partition: 3, message: await sent('1') })),
      error,
    );
    const { status, attributes } = span('process orders');
    assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: 'no such order' });
    assert.equal(attributes['error.type'], 'TypeError');
  });

  it('makes a span of each message of a batch, below that of the batch, which is the active one', async () => {
    start();
    let active: string | undefined;
    const { config } = await consumer({
      eachBatch: async () => {
        active = trace.getActiveSpan()?.spanContext().spanId;
      },
    });
    const messages = [await sent('1'), await sent('2')];
    await config.eachBatch?.({ batch: { topic: 'orders', partition: 3, messages } });
    const poll = span('poll orders');
    assert.equal(poll.attributes['messaging.operation.type'], 'receive');
    assert.equal(poll.attributes['messaging.batch.message_count'], 2);
    assert.equal(active, poll.spanContext().spanId);
    const producers = spans('send orders').map((one) => one.spanContext().spanId);
    const made = spans('process orders');
    assert.deepEqual(
      made.map((one) => [one.parentSpanContext?.spanId, one.links.map((link) => link.context.spanId)]),
      producers.map((producer) => [active, [producer]]),
    );
  });

  it('starts its spans with the operation of the application', async () => {
    start({ operation: (message) => `by ${(message as { name: string }).name}` });
    const { config } = await consumer({ eachMessage: async () => {} });
    await config.eachMessage?.({ topic: 'orders', partition: 3, message: await sent('1') });
    assert.equal(span('process orders').attributes['operation'], 'by process orders');
    assert.equal(span('send orders').attributes['operation'], undefined);
  });

  for (const [what, operation] of [
    ['undefined', () => undefined],
    ['nothing', () => ''],
    [
      'an error',
      () => {
        throw new Error('no');
      },
    ],
  ] as const) {
    it(`keeps the usual name where the application says ${what}`, async () => {
      start({ operation });
      const { config } = await consumer({ eachMessage: async () => {} });
      await config.eachMessage?.({ topic: 'orders', partition: 3, message: await sent('1') });
      assert.equal(span('process orders').attributes['operation'], undefined);
    });
  }

  it('makes none when it is disabled before the library is used', async () => {
    start({ enabled: false });
    const { config } = await consumer({ eachMessage: async () => {} });
    await config.eachMessage?.({ topic: 'orders', partition: 3, message: await sent('1') });
    assert.deepEqual(exporter.getFinishedSpans(), []);
  });
});
