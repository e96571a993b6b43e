import {
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { isArray } from './error-facts.ts';
import { describeValue, reportOnce, safely } from './internal/report.ts';

/** W3C trace context as text, in job data or the environment: `traceparent`, `tracestate`, `baggage`. */
export type Carrier = Record<string, string>;

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The same with the flags that everybody knows. */
const PLAIN = /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/;
const ONE = 0x31;

/** Never throws: a carrier comes from foreign job data. */
const getter = {
  keys: (carrier: Carrier): string[] => read(() => Object.keys(carrier)) ?? [],
  // Environment variables hold the same names in upper case.
  get: (carrier: Carrier, key: string): string | undefined => read(() => carrier[key] ?? carrier[key.toUpperCase()]),
};

function read<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (error) {
    reportOnce('carrier.unreadable', `the carrier cannot be read: ${describeValue(error)}`);
    return undefined;
  }
}

/**
 * The context that a carrier holds, on top of `base`; `base` itself when there is none. Reads `traceparent` by itself
 * when no W3C propagator is registered.
 */
export function extractCarrier(
  carrier: unknown,
  base: Context,
): { context: Context; enqueuer: SpanContext | undefined } {
  if (typeof carrier !== 'object' || carrier === null || isArray(carrier)) {
    reportOnce('carrier', `carrier must be an object with traceparent, got ${describeValue(carrier)}`);
    return { context: base, enqueuer: undefined };
  }
  const given = carrier as Carrier;
  const bare = trace.getSpan(base) === undefined ? base : trace.deleteSpan(base);
  const plain = plainTraceparent(given);
  if (plain !== undefined) return { context: bare, enqueuer: plain };
  const extracted = safely('reading the carrier', () => propagation.extract(bare, given, getter)) ?? bare;
  const found = trace.getSpanContext(extracted);
  if (found !== undefined && isSpanContextValid(found)) return { context: extracted, enqueuer: found };
  return { context: extracted, enqueuer: parseTraceparent(given) };
}

/**
 * The span of a carrier that holds nothing but the `traceparent` of version 00, as most do: read without the propagator,
 * which makes contexts on its way. Undefined for any other.
 */
function plainTraceparent(carrier: Carrier): SpanContext | undefined {
  const keys = read(() => Object.keys(carrier));
  if (keys?.length !== 1 || keys[0] !== 'traceparent') return undefined;
  const header: unknown = getter.get(carrier, 'traceparent');
  if (typeof header !== 'string' || !PLAIN.test(header)) return undefined;
  const spanContext = {
    traceId: header.slice(3, 35),
    spanId: header.slice(36, 52),
    traceFlags: header.charCodeAt(54) === ONE ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  };
  return isSpanContextValid(spanContext) ? spanContext : undefined;
}

function parseTraceparent(carrier: Carrier): SpanContext | undefined {
  const header: unknown = getter.get(carrier, 'traceparent');
  if (header === undefined || header === null || header === '') return undefined;
  const match = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  const [, version, traceId = '', spanId = '', flags = '', rest] = match ?? [];
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
  if (
    version === undefined ||
    version === 'ff' ||
    (version === '00' && rest !== undefined) ||
    !isSpanContextValid(spanContext)
  ) {
    reportOnce('carrier.traceparent', `carrier.traceparent ${describeValue(header)} is not a W3C traceparent`);
    return undefined;
  }
  return spanContext;
}

/** The carrier of a context: what the registered propagator writes, and always a W3C `traceparent` when there is a span. */
export function injectCarrier(from: Context = context.active()): Carrier {
  const carrier: Carrier = {};
  safely('writing the carrier', () => propagation.inject(from, carrier));
  const spanContext = trace.getSpanContext(from);
  if (carrier['traceparent'] === undefined && spanContext !== undefined && isSpanContextValid(spanContext)) {
    const flags = (spanContext.traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0');
    carrier['traceparent'] = `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
  }
  return carrier;
}
