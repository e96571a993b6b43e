import assert from 'node:assert/strict';
import { SpanKind, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { FakePackages } from './fake-package.test.support.ts';
import { FakeSqs } from './fake-sqs.test.support.ts';
import { SqsConsumerInstrumentation } from './sqs-consumer.ts';

/** What the library does around handlers, with a queue that is a function. */
const SOURCE = `
class StandardError extends Error { name = 'StandardError'; }
class TimeoutError extends Error { name = 'TimeoutError'; }
exports.Consumer = class Consumer {
  constructor(options) {
    Object.assign(this, { messageAttributeNames: [] }, options);
  }
  static create(options) { return new Consumer(options); }
  async receiveMessage(params) { return await this.receive(params); }
  async poll() {
    const { Messages } = await this.receiveMessage({ QueueUrl: this.queueUrl, MessageAttributeNames: this.messageAttributeNames });
    return this.handleMessageBatch ? await this.executeBatchHandler(Messages) : await Promise.all(Messages.map((one) => this.executeHandler(one)));
  }
  async executeHandler(message) {
    try {
      const pending = new Promise((_, reject) => this.handleMessageTimeout && setTimeout(() => reject(new TimeoutError()), this.handleMessageTimeout));
      const result = await Promise.race([this.handleMessage(message), pending]);
      if (this.alwaysAcknowledge) return message;
      return result instanceof Object ? result : null;
    } catch (error) {
      if (error instanceof TimeoutError) throw error;
      throw Object.assign(new StandardError('Unexpected message handler failure: ' + error.message), { cause: error });
    }
  }
  async executeBatchHandler(messages) {
    const result = await this.handleMessageBatch(messages);
    return Array.isArray(result) ? result : [];
  }
};
`;

interface Message {
  readonly MessageId: string;
  readonly Attributes?: Record<string, string>;
  readonly MessageAttributes?: Record<string, { DataType: string; StringValue: string }>;
}

interface Consumer {
  poll(): Promise<unknown>;
}

const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';

describe('SqsConsumerInstrumentation', () => {
  let packages: FakePackages;
  let recorded: RecordedRuns;
  let instrumentation: SqsConsumerInstrumentation;

  beforeEach(() => {
    packages = new FakePackages();
    recorded = recordRuns();
    instrumentation = new SqsConsumerInstrumentation();
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
    packages.remove();
  });

  function consume(options: object, messages: readonly Message[] = [{ MessageId: 'm1' }]): Consumer {
    packages.install('sqs-consumer', '14.2.8', { 'index.js': SOURCE });
    const { Consumer } = packages.require('sqs-consumer') as { Consumer: { create(options: object): Consumer } };
    return Consumer.create({ queueUrl: QUEUE, receive: () => ({ Messages: messages }), ...options });
  }

  const acknowledge = async (message: Message): Promise<Message> => message;

  it('makes a run of every message, with what the application asked for, and a link to its sender', async () => {
    const sentAt = Date.now() - 2000;
    const message: Message = {
      MessageId: 'm1',
      Attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(sentAt) },
      MessageAttributes: {
        traceparent: { DataType: 'String', StringValue: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
      },
    };
    let active: string | undefined;
    const handleMessage = async (given: Message): Promise<Message> => {
      active = trace.getActiveSpan()?.spanContext().spanId;
      return given;
    };
    await consume({ handleMessage }, [message]).poll();
    const run = recorded.run();
    assert.deepEqual(
      [run.operation, run.id, run.status, run.kind],
      ['orders', 'orders.m1.1', 'success', SpanKind.CONSUMER],
    );
    const { attributes } = run;
    assert.deepEqual(
      [attributes['messaging.system'], attributes['messaging.destination.name'], attributes['messaging.message.id']],
      ['aws_sqs', 'orders', 'm1'],
    );
    assert.deepEqual([attributes['task.attempt'], attributes['task.job.id']], [1, 'm1']);
    assert.equal(run.started['task.enqueued_at'], sentAt / 1000);
    assert.deepEqual(
      run.links.map((link) => link.context.spanId),
      ['b'.repeat(16)],
    );
    assert.equal(active, run.span.spanContext().spanId);
  });

  it('knows neither attempt nor wait of messages whose count nobody asked for', async () => {
    await consume({ handleMessage: acknowledge }).poll();
    const run = recorded.run();
    assert.match(run.id, /^[0-9a-f]{8}-/);
    assert.deepEqual([run.attributes['task.attempt'], run.started['task.enqueued_at']], [undefined, undefined]);
    const again: Message = { MessageId: 'm1', Attributes: { ApproximateReceiveCount: '2', SentTimestamp: '1000' } };
    await consume({ handleMessage: acknowledge }, [again]).poll();
    const retried = recorded.runs()[1];
    assert.deepEqual([retried?.id, retried?.started['task.enqueued_at']], ['orders.m1.2', undefined]);
  });

  const conflict = Object.assign(new Error('x'), { name: 'Conflict' });

  for (const [what, { options, status, errorType }] of Object.entries<{
    options: object;
    status: string;
    errorType?: string;
  }>({
    acknowledged: { options: { handleMessage: acknowledge }, status: 'success' },
    'not acknowledged': { options: { handleMessage: async () => {} }, status: 'deferred' },
    'another acknowledged': { options: { handleMessage: async () => ({ MessageId: 'm2' }) }, status: 'deferred' },
    'always acknowledged': {
      options: { handleMessage: async () => {}, alwaysAcknowledge: true },
      status: 'success',
    },
    'deleted by the application': {
      options: { handleMessage: async () => {}, shouldDeleteMessages: false },
      status: 'success',
    },
    failed: { options: { handleMessage: () => Promise.reject(conflict) }, status: 'failure', errorType: 'Conflict' },
    'too late': {
      options: { handleMessage: () => new Promise(() => {}), handleMessageTimeout: 5 },
      status: 'failure',
      errorType: 'timeout',
    },
  })) {
    it(`a message that is ${what}: ${status} ${errorType ?? ''}`, async () => {
      await consume(options)
        .poll()
        .catch(() => {});
      const run = recorded.run();
      assert.deepEqual([run.status, run.errorType], [status, errorType]);
    });
  }

  it('has in the log of a run that took too long how its handler ended', async () => {
    let fail = (_error: Error): void => {};
    const failed = new Promise<void>((_, reject) => {
      fail = reject;
    });
    const consumer = consume({ handleMessage: () => failed, handleMessageTimeout: 5 });
    await assert.rejects(consumer.poll(), { name: 'TimeoutError' });
    assert.deepEqual(recorded.run().lines, []);
    fail(conflict);
    await failed.catch(() => {});
    assert.deepEqual(recorded.run().lines, ['the handler failed after its run had ended']);
  });

  it('makes a run of each message of a batch, of which each ends as it was acknowledged', async () => {
    const messages = ['m1', 'm2', 'm3'].map((MessageId) => ({ MessageId }));
    const handleMessageBatch = async ([, second]: readonly Message[]): Promise<unknown> => [second];
    await consume({ handleMessageBatch }, messages).poll();
    assert.deepEqual(
      recorded.runs().map((run) => [run.attributes['task.job.id'], run.status, run.attributes['task.batch.size']]),
      [
        ['m1', 'deferred', 3],
        ['m2', 'success', 3],
        ['m3', 'deferred', 3],
      ],
    );
  });

  it('links messages whose carriers nobody but the client was asked for', async () => {
    const traceparent = { DataType: 'String', StringValue: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const message: Message = { MessageId: 'm1', MessageAttributes: { traceparent } };
    const client = new FakeSqs([message]);
    const given: Message[] = [];
    const handleMessage = async (message: Message): Promise<Message> => {
      given.push(message);
      return message;
    };
    await consume({ handleMessage, sqs: client, receive: (input: object) => client.send({ input }) }).poll();
    assert.deepEqual(given, [{ MessageId: 'm1' }]);
    assert.deepEqual(
      recorded.run().links.map(({ context }) => context.traceId),
      ['a'.repeat(32)],
    );
  });

  it('hands on results and errors as they are, and is gone when it is disabled', async () => {
    const message = { MessageId: 'm1' };
    const consumer = consume({ handleMessage: acknowledge }, [message]);
    assert.equal(((await consumer.poll()) as Message[])[0], message);
    await assert.rejects(consume({ handleMessage: () => Promise.reject(conflict) }).poll(), { cause: conflict });
    instrumentation.disable();
    await consumer.poll();
    assert.equal(recorded.runs().length, 2);
  });
});
