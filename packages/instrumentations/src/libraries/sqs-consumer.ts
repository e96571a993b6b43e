import { readSafely, safely } from '@taskspan/core/hub';
import type { Classified, RunEnding, RunFacts } from '../base/facts.ts';
import { type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import { askForCarriers, type CarryingMessage, carrierOf, type SqsClient } from './sqs-carrier.ts';

interface SqsMessage extends CarryingMessage {
  readonly MessageId?: string;
  /** Those that the application asked for. */
  readonly Attributes?: { readonly ApproximateReceiveCount?: string; readonly SentTimestamp?: string };
}

interface SqsConsumer {
  readonly sqs?: SqsClient;
  readonly queueUrl?: string;
  readonly shouldDeleteMessages?: boolean;
  readonly handleMessageTimeout?: number | undefined;
}

const SQS_CONSUMER: Library = {
  name: 'sqs-consumer',
  patches: [
    {
      module: 'sqs-consumer',
      versions: '>=11 <16',
      hooks: [
        {
          form: 'around',
          on: prototypeOf('Consumer'),
          method: 'executeHandler',
          around: (call, kit) => {
            const consumer = call.self as SqsConsumer;
            // The handler of a message that takes too long goes on.
            if (consumer.handleMessageTimeout !== undefined)
              kit.hearOut(consumer, 'handleMessage', ({ args }) => args[0]);
            return kit.run(call, () => describeMessage(call.args[0] as SqsMessage, consumer));
          },
        },
        {
          form: 'run',
          on: prototypeOf('Consumer'),
          method: 'executeBatchHandler',
          describe: ({ self, args }) => {
            const messages = args[0] as readonly SqsMessage[];
            return messages.map((message) => ({
              ...describeMessage(message, self as SqsConsumer),
              batchSize: messages.length,
            }));
          },
        },
        {
          form: 'around',
          on: prototypeOf('Consumer'),
          method: 'receiveMessage',
          around: (call, kit) => {
            safely('asking SQS for carriers', () => askForCarriers((call.self as SqsConsumer).sqs, call.args[0]));
            return kit.call(call);
          },
        },
      ],
    },
  ],
};

function describeMessage(message: SqsMessage, consumer: SqsConsumer): RunFacts {
  const queue = queueOf(consumer);
  const { MessageId: messageId, Attributes: attributes } = message;
  const attempt = numberOf(attributes?.ApproximateReceiveCount);
  return {
    operation: queue,
    job: message,
    trigger: 'queue',
    queue,
    id: messageId === undefined || attempt === undefined ? undefined : `${queue}.${messageId}.${attempt}`,
    jobId: messageId,
    attempt,
    // Whether it was received before is not known unless the application asks for the count.
    enqueuedAt: attempt === 1 ? numberOf(attributes?.SentTimestamp) : undefined,
    carrier: carrierOf(message),
    attributes: { 'messaging.system': 'aws_sqs' },
    classify: (end) => classify(end, message, consumer),
  };
}

/** `https://sqs.eu-west-1.amazonaws.com/123456789012/orders` is the queue `orders`. */
function queueOf({ queueUrl }: SqsConsumer): string {
  const name = queueUrl?.split('/').findLast((part) => part !== '');
  return name ?? 'sqs';
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text);
  return text === undefined || !Number.isFinite(number) ? undefined : number;
}

/** A message that is not acknowledged comes back: that is asked for, and no failure. */
function classify(end: RunEnding, message: SqsMessage, { shouldDeleteMessages }: SqsConsumer): Classified | undefined {
  if ('error' in end) {
    const name = readSafely(end.error, 'name');
    const cause = readSafely(end.error, 'cause');
    if (name === 'TimeoutError') return { status: 'failure', errorType: 'timeout' };
    // Wrapped in one of the library's own.
    return name === 'StandardError' && cause !== undefined ? { status: 'failure', error: cause } : undefined;
  }
  // Then deleting is up to the application.
  if (shouldDeleteMessages === false) return undefined;
  const { value } = end;
  const acknowledged = (Array.isArray(value) ? value : [value]) as readonly (SqsMessage | null | undefined)[];
  const isAcknowledged = acknowledged.some((one) => one?.MessageId === message.MessageId);
  return isAcknowledged ? undefined : { status: 'deferred' };
}

/** Messages that consumers of sqs-consumer work on. What sends them is the business of the AWS SDK's instrumentation. */
export class SqsConsumerInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return SQS_CONSUMER;
  }
}
