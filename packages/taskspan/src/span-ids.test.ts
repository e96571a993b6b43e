import assert from 'node:assert/strict';
import { isValidSpanId, isValidTraceId } from '@opentelemetry/api';
import { SpanIds } from './span-ids.ts';

describe('span ids', () => {
  it('are valid and never repeat', () => {
    const ids = new SpanIds();
    const seen = new Set<string>();
    for (let count = 0; count < 50_000; count += 1) {
      const traceId = ids.generateTraceId();
      const spanId = ids.generateSpanId();
      assert.ok(isValidTraceId(traceId), traceId);
      assert.ok(isValidSpanId(spanId), spanId);
      seen.add(traceId).add(spanId);
    }
    assert.equal(seen.size, 100_000);
  });

  it('differ between two generators', () => {
    assert.notEqual(new SpanIds().generateTraceId(), new SpanIds().generateTraceId());
  });

  it('use all digits at every place', () => {
    const ids = new SpanIds();
    const places = Array.from({ length: 32 }, () => new Set<string>());
    for (let count = 0; count < 5000; count += 1) {
      for (const [place, digit] of [...ids.generateTraceId()].entries()) places[place]?.add(digit);
    }
    for (const digits of places) assert.equal(digits.size, 16);
  });
});
