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
import { AmqplibInstrumentation } from './amqplib.ts';
import { type FakeChannel, type FakePackages, fakePackages } from './consumed-messages.test.support.ts';

interface Message {
  readonly fields: { readonly exchange: string; readonly routingKey: string };
  readonly properties: { readonly headers: Record<string, unknown>; readonly messageId?: string };
}

describe('amqplib', () => {
  let exporter: InMemorySpanExporter;
  let packages: FakePackages;
  let instrumentation: AmqplibInstrumentation;

  const start = (config: ConstructorParameters<typeof AmqplibInstrumentation>[0] = {}): FakeChannel => {
    instrumentation = new AmqplibInstrumentation(config);
    instrumentation.setTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    return packages.channel();
  };
  const span = (name = 'mails process'): ReadableSpan => {
    const found = exporter.getFinishedSpans().filter((one) => one.name === name);
    assert.equal(found.length, 1, name);
    return found[0] as ReadableSpan;
  };

  /** Publishes a message, and returns it as a broker would hand it out. */
  function published(channel: FakeChannel): Message {
    channel.publish('shop', 'orders.new', Buffer.from('x'));
    const [, , , options] = channel.published.at(-1) as [
      unknown,
      unknown,
      unknown,
      { headers: Record<string, unknown> },
    ];
    const properties = { headers: options.headers, messageId: 'm-1' };
    return { fields: { exchange: 'shop', routingKey: 'orders.new' }, properties };
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

  it('makes a span of each message that is a run by its attributes, from delivery to ack', async () => {
    const channel = start();
    let active: string | undefined;
    await channel.consume('mails', () => {
      active = trace.getActiveSpan()?.spanContext().spanId;
    });
    const message = published(channel);
    channel.deliver(message);
    assert.deepEqual(
      exporter.getFinishedSpans().map((one) => one.name),
      ['publish shop'],
    );
    channel.ack(message);
    const { attributes, kind, parentSpanContext, instrumentationScope, status } = span();
    assert.equal(kind, SpanKind.CONSUMER);
    assert.equal(attributes['messaging.operation'], 'process');
    assert.equal(attributes['messaging.destination'], 'shop');
    assert.equal(attributes['messaging.message_id'], 'm-1');
    assert.equal(attributes['error.type'], undefined);
    assert.equal(status.code, SpanStatusCode.UNSET);
    assert.equal(parentSpanContext?.spanId, span('publish shop').spanContext().spanId);
    assert.equal(parentSpanContext?.isRemote, true);
    assert.equal(active, span().spanContext().spanId);
    assert.equal(instrumentationScope.name, '@opentelemetry/instrumentation-amqplib');
  });

  for (const [what, type, end] of [
    ['nack', 'nack', (channel, message) => channel.nack(message)],
    ['nack without requeue', 'nack', (channel, message) => channel.nack(message, false, false)],
    ['reject', 'reject', (channel, message) => channel.reject(message, true)],
    ['a channel that closes', 'channel_closed', (channel) => channel.emit('close')],
  ] as readonly [string, string, (channel: FakeChannel, message: Message) => void][]) {
    it(`says what a failure was: ${what}`, async () => {
      const channel = start();
      await channel.consume('mails', () => {});
      const message = published(channel);
      channel.deliver(message);
      end(channel, message);
      assert.equal(span().status.code, SpanStatusCode.ERROR);
      assert.equal(span().attributes['error.type'], type);
    });
  }

  it('ends a message that nobody acknowledges as a timeout, half an hour later', async () => {
    assert.equal(start().published.length, 0);
    assert.equal(instrumentation.getConfig().consumeTimeoutMs, 1_800_000);
    instrumentation.disable();
    packages.remove();
    packages = fakePackages();
    const channel = start({ consumeTimeoutMs: 5 });
    const ended = new Promise<void>((resolve) => {
      instrumentation.setConfig({ consumeTimeoutMs: 5, consumeEndHook: () => setImmediate(resolve) });
    });
    await channel.consume('mails', () => {});
    channel.deliver(published(channel));
    await ended;
    assert.equal(span().attributes['error.type'], 'timeout');
    channel.emit('close');
  });

  it('ends with the handler where nothing is acknowledged', async () => {
    const channel = start();
    await channel.consume('mails', () => {}, { noAck: true });
    channel.deliver(published(channel));
    assert.equal(span().status.code, SpanStatusCode.UNSET);
  });

  it('keeps the hook and the settings of the application', async () => {
    const heard: string[] = [];
    const channel = start({
      useLinksForConsume: true,
      consumeEndHook: (_, { endOperation }) => heard.push(endOperation),
    });
    await channel.consume('mails', () => {});
    const message = published(channel);
    channel.deliver(message);
    channel.reject(message);
    assert.deepEqual(heard, ['reject']);
    assert.equal(span().parentSpanContext, undefined);
    assert.equal(span().links.length, 1);
    assert.equal(span().attributes['error.type'], 'reject');
  });

  it('starts its spans with the operation of the application', async () => {
    const channel = start({
      operation: (message) =>
        String((message as { attributes: Record<string, unknown> }).attributes['messaging.rabbitmq.routing_key']),
    });
    await channel.consume('mails', () => {});
    const message = published(channel);
    channel.deliver(message);
    channel.ack(message);
    assert.equal(span().attributes['operation'], 'orders.new');
    assert.equal(span('publish shop').attributes['operation'], undefined);
  });
});
