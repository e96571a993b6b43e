import { type Attributes, context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type Carrier, injectCarrier } from './carrier.ts';
import { errorMessage, errorType } from './error-facts.ts';
import { safely } from './internal/report.ts';
import { ATTR } from './names.ts';
import type { Settler } from './settle.ts';
import { activeTracer } from './tracer.ts';

/** What an instrumentation knows of jobs that are put into a queue. */
export interface EnqueueFacts {
  /** `messaging.system`. */
  readonly system: string;
  /** `messaging.destination.name`: the queue. */
  readonly destination: string;
  /** `messaging.operation.name`: the library's word for it, such as `add`. */
  readonly name: string;
  /** Jobs, when several are put in together. */
  readonly count?: number | undefined;
  readonly attributes?: Attributes | undefined;
}

/** A PRODUCER span around a library's own call that enqueues. */
export interface Enqueue extends Settler {
  /** W3C context of the span: what goes along with the job. */
  readonly carrier: Carrier;
  run<T>(call: () => T): T;
  /** `messaging.message.id`: known only once the library has answered. */
  setMessageId(id: string): void;
}

/**
 * Begins the span of an enqueuing call, below whatever is active. Conventions:
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 *
 * @returns undefined when nobody records spans
 */
export function startEnqueue(facts: EnqueueFacts): Enqueue | undefined {
  const tracer = activeTracer();
  if (tracer === undefined) return undefined;
  const { system, destination, name, count } = facts;
  const attributes: Attributes = {
    'messaging.system': system,
    'messaging.operation.type': 'send',
    'messaging.operation.name': name,
    'messaging.destination.name': destination,
    ...(count === undefined ? {} : { 'messaging.batch.message_count': count }),
    ...facts.attributes,
  };
  const span = safely('starting an enqueue span', () =>
    tracer.startSpan(`send ${destination}`, { kind: SpanKind.PRODUCER, attributes }),
  );
  return span === undefined ? undefined : new EnqueueSpan(span);
}

class EnqueueSpan implements Enqueue {
  readonly #span: Span;
  readonly #context: ReturnType<typeof context.active>;

  constructor(span: Span) {
    this.#span = span;
    this.#context = trace.setSpan(context.active(), span);
  }

  get carrier(): Carrier {
    return injectCarrier(this.#context);
  }

  run<T>(call: () => T): T {
    return context.with(this.#context, call);
  }

  setMessageId(id: string): void {
    this.#span.setAttribute('messaging.message.id', id);
  }

  returned(): void {
    safely('ending an enqueue span', () => this.#span.end());
  }

  threw(error: unknown): void {
    safely('ending an enqueue span', () => {
      const message = errorMessage(error);
      this.#span.setAttribute(ATTR.ERROR_TYPE, errorType(error));
      this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
      this.#span.end();
    });
  }
}
