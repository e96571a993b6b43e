import type { SpanContext } from '@opentelemetry/api';

const HEX_TRACE = /^[0-9a-f]{32}$/i;
const HEX_SPAN = /^[0-9a-f]{16}$/i;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

let lastTraceId = '';
let lastSpanId = '';

/** True when both ids are hex of the right length and not zero; remembers the last pair, as records come in rows. */
export function hasIds(context: SpanContext): boolean {
  const { traceId, spanId } = context;
  if (traceId === lastTraceId && spanId === lastSpanId) return true;
  if (!HEX_TRACE.test(traceId) || !HEX_SPAN.test(spanId) || traceId === NO_TRACE || spanId === NO_SPAN) return false;
  lastTraceId = traceId;
  lastSpanId = spanId;
  return true;
}
