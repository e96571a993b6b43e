/**
 * Spans in which a message is processed, as the official instrumentations of kafkajs and amqplib make them, and whoever
 * else follows the conventions: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
import { type Attributes, type Context, isSpanContextValid, SpanKind, trace } from '@opentelemetry/api';
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace-base';
import { ATTR } from '@taskspan/core';
import { type AdoptableSpan, type Adoption, adoptSpan, endAdoptedSpan, type RunInfo, safely } from '@taskspan/core/hub';
import { operationOf } from './operation-counters.ts';

/** Attributes of the current convention, and behind each its names in older ones. */
const DESTINATION = 'messaging.destination.name';
const OLD_DESTINATION = 'messaging.destination';
const BATCH_COUNT = 'messaging.batch.message_count';
const MESSAGE_IDS = ['messaging.message.id', 'messaging.message_id'];
const OFFSETS = ['messaging.kafka.offset', 'messaging.kafka.message.offset'];
const TEMPORARY = [
  'messaging.destination.temporary',
  'messaging.destination.anonymous',
  'messaging.temp_destination',
] as const;

/** Names that RabbitMQ makes up for queues without one: every connection has others. */
const SERVER_NAMED = /^amq\.gen-/;
/** `process orders`, in older conventions `orders process`. */
const SPAN_NAME = /^process (.+)$|^(.+) process$/;
const INSTRUMENTATION = /^@opentelemetry\/instrumentation-(.+)$/;

/** True for a span that processes a message, in the current or the older convention: a run, also without `operation`. */
export function isConsumerRun(kind: SpanKind, attributes: Attributes): boolean {
  return (
    kind === SpanKind.CONSUMER &&
    (attributes['messaging.operation.type'] === 'process' || attributes['messaging.operation'] === 'process')
  );
}

/** True for the attributes of a span that receives a batch, below which its messages are processed. */
export function isBatchReceipt(attributes: Attributes): boolean {
  return attributes['messaging.operation.type'] === 'receive' && attributes[BATCH_COUNT] !== undefined;
}

/**
 * Makes a run of a CONSUMER span that processes a message. Its maker has made it a child of the producer's span, which
 * cannot be changed: a link is added, as runs of the task API have one to their enqueuer.
 *
 * @returns undefined when it cannot be adopted
 */
export function adoptConsumerSpan(span: Span, parentContext: Context | undefined): RunInfo | undefined {
  return safely('adopting a consumer span', () => {
    const parent = parentContext === undefined ? undefined : trace.getSpan(parentContext);
    const producer = parent?.spanContext();
    if (producer?.isRemote === true && isSpanContextValid(producer)) span.addLink({ context: producer });
    return adoptSpan(span, adoptionOf(span, parent as Partial<AdoptableSpan> | undefined));
  });
}

/** @returns the run that ended with this span, or undefined for any other span */
export function endConsumerSpan(span: ReadableSpan): RunInfo | undefined {
  return safely('ending the run of a consumer span', () => endAdoptedSpan(span));
}

function adoptionOf(span: Span, parent: Partial<AdoptableSpan> | undefined): Adoption {
  const { attributes } = span;
  const given = attributes[ATTR.OPERATION];
  const operation = operationOf(given === undefined ? destinationOf(span.name, attributes) : given);
  const scope = span.instrumentationScope.name;
  const own: Record<string, string | number> = {
    [ATTR.TASK_LIBRARY]: INSTRUMENTATION.exec(scope)?.[1] ?? scope,
    [ATTR.TASK_TRIGGER]: 'queue',
  };
  const jobId = jobIdOf(attributes);
  if (jobId !== undefined) own[ATTR.TASK_JOB_ID] = jobId;
  const received = parent?.attributes;
  if (received === undefined || !isBatchReceipt(received)) return { operation, own };
  const size = received[BATCH_COUNT];
  if (typeof size === 'number') own[ATTR.TASK_BATCH_SIZE] = size;
  return { operation, own, workedOnIn: parent as AdoptableSpan };
}

/** A bounded name: of the queue or topic, never one that is made up for a connection. */
function destinationOf(name: string, attributes: Attributes): string {
  const fromName = SPAN_NAME.exec(name)?.slice(1).find(isText);
  const template = attributes['messaging.destination.template'];
  if (isText(template)) return template;
  const exchange = attributes[OLD_DESTINATION];
  const found = [attributes[DESTINATION], fromName, exchange].find(isText);
  const isTemporary = TEMPORARY.some((key) => attributes[key] === true);
  if (!isTemporary && found !== undefined && !SERVER_NAMED.test(found)) return found;
  if (isText(exchange) && exchange !== found) return exchange;
  return isTemporary || found !== undefined ? '(temporary)' : name.trim();
}

function jobIdOf(attributes: Attributes): string | undefined {
  const id = MESSAGE_IDS.map((key) => attributes[key]).find(isText);
  if (id !== undefined) return id;
  const offset = OFFSETS.map((key) => attributes[key]).find((value) => isText(value) || typeof value === 'number');
  const partition = attributes['messaging.destination.partition.id'];
  if (offset === undefined) return undefined;
  return partition === undefined ? String(offset) : `${String(partition)}.${String(offset)}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
