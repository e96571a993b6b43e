import assert from 'node:assert/strict';
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { lazyPropagator } from './lazy-propagator.ts';

const SPAN: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED };

describe('lazyPropagator', () => {
  it('is none without a name', () => {
    assert.equal(lazyPropagator([]), undefined);
  });

  it('carries what its names say, and nothing else', () => {
    const filled = propagation.setBaggage(
      trace.setSpanContext(ROOT_CONTEXT, SPAN),
      propagation.createBaggage({ tenant: { value: 'acme' } }),
    );
    const carried = (names: Parameters<typeof lazyPropagator>[0]): Record<string, string> => {
      const carrier: Record<string, string> = {};
      lazyPropagator(names)?.inject(filled, carrier, defaultTextMapSetter);
      return carrier;
    };
    const traceparent = `00-${SPAN.traceId}-${SPAN.spanId}-01`;
    assert.deepEqual(carried(['tracecontext']), { traceparent });
    assert.deepEqual(carried(['baggage']), { baggage: 'tenant=acme' });
    assert.deepEqual(carried(['tracecontext', 'baggage']), { traceparent, baggage: 'tenant=acme' });
  });

  it('reads what it has carried, and names its fields', () => {
    const propagator = lazyPropagator(['tracecontext', 'baggage']);
    const carrier = { traceparent: `00-${SPAN.traceId}-${SPAN.spanId}-01`, baggage: 'tenant=acme' };
    const read = propagator?.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter) ?? ROOT_CONTEXT;
    assert.equal(trace.getSpanContext(read)?.spanId, SPAN.spanId);
    assert.equal(propagation.getBaggage(read)?.getEntry('tenant')?.value, 'acme');
    assert.deepEqual(propagator?.fields().toSorted(), ['baggage', 'traceparent', 'tracestate']);
  });
});
