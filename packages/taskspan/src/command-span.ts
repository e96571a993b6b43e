import {
  type Attributes,
  type AttributeValue,
  type Context,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { SCOPE } from '@taskspan/core';
import { type ResourceLike, wallMs } from '@taskspan/core/hub';
import { SpanIds } from './span-ids.ts';

/** Takes a span that has ended. */
type SpanSink = (span: ReadableSpan) => void;

/**
 * The tracer provider of a process that makes one span, that of its command, and samples it. Loading the trace SDK for it
 * would take longer than everything else together.
 */
export class CommandTracerProvider implements TracerProvider {
  readonly #tracer: Tracer;

  constructor(resource: ResourceLike, onEnd: SpanSink) {
    const ids = new SpanIds();
    const startSpan = (name: string, options: SpanOptions = {}, context?: Context): Span => {
      const parent = options.root === true || context === undefined ? undefined : trace.getSpanContext(context);
      const traceId = parent?.traceId ?? ids.generateTraceId();
      const spanContext = { traceId, spanId: ids.generateSpanId(), traceFlags: TraceFlags.SAMPLED };
      return new CommandSpan({ name, options, spanContext, parent, resource }, onEnd);
    };
    this.#tracer = {
      startSpan,
      startActiveSpan: () => {
        throw new Error('spans of a command are not made active');
      },
    };
  }

  getTracer(): Tracer {
    return this.#tracer;
  }
}

interface SpanStart {
  readonly name: string;
  readonly options: SpanOptions;
  readonly spanContext: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly resource: ResourceLike;
}

/** A span with what the writer of job logs reads of the SDK's. */
class CommandSpan implements Span {
  name: string;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  endTime: HrTime = [0, 0];
  readonly kind: SpanKind;
  readonly startTime: HrTime = hrTime();
  readonly attributes: Attributes;
  readonly links: Link[];
  readonly events: readonly never[] = [];
  readonly parentSpanContext: SpanContext | undefined;
  readonly resource: ResourceLike;
  readonly instrumentationScope: typeof SCOPE = SCOPE;
  readonly droppedAttributesCount = 0;
  readonly droppedEventsCount = 0;
  readonly droppedLinksCount = 0;
  readonly #spanContext: SpanContext;
  readonly #onEnd: SpanSink;
  #isEnded = false;

  constructor({ name, options, spanContext, parent, resource }: SpanStart, onEnd: SpanSink) {
    this.name = name;
    this.kind = options.kind ?? 0;
    this.attributes = { ...options.attributes };
    this.links = [...(options.links ?? [])];
    this.parentSpanContext = parent;
    this.resource = resource;
    this.#spanContext = spanContext;
    this.#onEnd = onEnd;
  }

  spanContext(): SpanContext {
    return this.#spanContext;
  }

  isRecording(): boolean {
    return !this.#isEnded;
  }

  setAttribute(key: string, value: AttributeValue): this {
    this.attributes[key] = value;
    return this;
  }

  setAttributes(attributes: Attributes): this {
    Object.assign(this.attributes, attributes);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.status = status;
    return this;
  }

  updateName(name: string): this {
    this.name = name;
    return this;
  }

  addLink(link: Link): this {
    this.links.push(link);
    return this;
  }

  addLinks(links: Link[]): this {
    this.links.push(...links);
    return this;
  }

  /** Nothing in this process makes any: what happens to a command is in the records of its run. */
  addEvent(): this {
    return this;
  }

  recordException(): void {}

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.endTime = hrTime();
    // What else the SDK's spans have is read by exporters alone, and those come with the SDK.
    this.#onEnd(this as unknown as ReadableSpan);
  }
}

function hrTime(): HrTime {
  const ms = wallMs();
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
