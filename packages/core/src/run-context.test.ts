import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { context, createContextKey, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { currentRun } from './run-context.ts';
import { runTask, startTask } from './run-task.ts';

const KEY = createContextKey('a value of the app');

function inRequest<T>(fn: () => T): T {
  return trace.getTracer('app').startActiveSpan('request', (span) => {
    const withValue = context.active().setValue(KEY, 'kept');
    const baggage = propagation.createBaggage({ tenant: { value: 't1' } });
    try {
      return context.with(propagation.setBaggage(withValue, baggage), fn);
    } finally {
      span.end();
    }
  });
}

describe('the context of a run', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('is a new trace linked to the active span, with values and baggage kept', () => {
    inRequest(() =>
      runTask('op', () => {
        assert.equal(context.active().getValue(KEY), 'kept');
        assert.equal(propagation.getActiveBaggage()?.getEntry('tenant')?.value, 't1');
      }),
    );
    const [task, request] = [seen.span('op'), seen.span('request').spanContext()];
    assert.notEqual(task.spanContext().traceId, request.traceId);
    assert.equal(task.parentSpanContext, undefined);
    assert.deepEqual(
      task.links.map((link) => link.context.spanId),
      [request.spanId],
    );
  });

  it('is the same trace on request, without a link', () => {
    inRequest(() => runTask('op', () => {}, { relation: 'child' }));
    const [task, request] = [seen.span('op'), seen.span('request').spanContext()];
    assert.equal(task.spanContext().traceId, request.traceId);
    assert.equal(task.parentSpanContext?.spanId, request.spanId);
    assert.deepEqual(task.links, []);
  });

  it('is empty for a scheduler: no link, no values, no fields of whoever made the timer', () => {
    runTask(
      'creator',
      () =>
        inRequest(() =>
          runTask('op', () => assert.equal(context.active().getValue(KEY), undefined), { relation: 'root' }),
        ),
      { attributes: { request_id: 'r-1' } },
    );
    assert.deepEqual(seen.span('op').links, []);
    assert.equal(seen.span('op').parentSpanContext, undefined);
    const started = seen.records.find((record) => record.run.operation === 'op');
    assert.equal(started?.run.fields, undefined);
  });

  it('links the carrier instead of the active span', () => {
    const carrier = startTask('enqueuer').inject();
    inRequest(() => runTask('op', () => {}, { carrier }));
    const [link] = seen.span('op').links;
    assert.equal(link?.context.spanId, carrier['traceparent']?.split('-')[2]);
    assert.equal(link?.context.isRemote, true);
  });

  it('continues the trace of the carrier on request, with its baggage', () => {
    const carrier = inRequest(() => startTask('enqueuer').inject());
    runTask('op', () => assert.equal(propagation.getActiveBaggage()?.getEntry('tenant')?.value, 't1'), {
      carrier,
      relation: 'child',
    });
    assert.equal(seen.span('op').parentSpanContext?.spanId, carrier['traceparent']?.split('-')[2]);
  });

  it('survives awaits, timers, streams and event emitters', async () => {
    await runTask('op', async () => {
      const run = currentRun();
      assert.equal(run?.operation, 'op');
      await delay(1);
      assert.equal(currentRun(), run);
      await new Promise<void>((resolve) =>
        setImmediate(() => {
          assert.equal(currentRun(), run);
          resolve();
        }),
      );
      const lines: string[] = [];
      await pipeline(Readable.from(['a', 'b']), async (source) => {
        for await (const line of source) {
          assert.equal(currentRun(), run);
          lines.push(String(line));
        }
      });
      assert.deepEqual(lines, ['a', 'b']);
      const emitter = new EventEmitter();
      emitter.on('x', () => assert.equal(currentRun(), run));
      await new Promise<void>((resolve) =>
        setTimeout(() => {
          emitter.emit('x');
          resolve();
        }, 1),
      );
    });
    assert.equal(currentRun(), undefined);
  });

  it('tells concurrent runs apart', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        runTask(`op${index}`, async () => {
          await delay(index % 5);
          assert.equal(currentRun()?.operation, `op${index}`);
        }),
      ),
    );
  });

  it('of a nested run is its own: linked, with the fields given at submission', () => {
    runTask(
      'outer',
      () => {
        runTask('inner', (task) => task.log('info', 'line'), { attributes: { user: 'other' } });
        assert.equal(currentRun()?.operation, 'outer');
      },
      { attributes: { request_id: 'r-1', user: 'me', repository: 'repo' } },
    );
    const [outer, inner] = [seen.span('outer').spanContext(), seen.span('inner')];
    assert.notEqual(inner.spanContext().traceId, outer.traceId);
    assert.deepEqual(
      inner.links.map((link) => link.context.spanId),
      [outer.spanId],
    );
    for (const record of seen.records)
      assert.deepEqual(record.run.fields, {
        request_id: 'r-1',
        repository: 'repo',
        user: record.run.operation === 'inner' ? 'other' : 'me',
      });
  });

  it('takes and gives values like any context', () => {
    runTask('op', () => {
      const own = context.active();
      const more = own.setValue(KEY, 1);
      assert.equal(more.getValue(KEY), 1);
      assert.equal(currentRun(more)?.operation, 'op');
      assert.equal(trace.getSpan(more), trace.getActiveSpan());
      assert.equal(trace.getSpan(trace.deleteSpan(own)), undefined);
      assert.equal(currentRun(trace.deleteSpan(own))?.operation, 'op');
    });
    assert.equal(currentRun(ROOT_CONTEXT), undefined);
  });

  it('keeps no ancestor alive, however long runs submit their successors', async () => {
    // Node has no gc() here by default: what a context can reach is walked instead.
    let reached = 0;
    const visited = new Set<unknown>();
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || visited.has(value)) return;
      visited.add(value);
      if (value instanceof Map) for (const one of value.values()) walk(one);
      if (value.constructor.name === 'TaskRun') reached += 1;
      if (/^(TaskRun|RunContext|BaseContext|Map)$/.test(value.constructor.name)) Object.values(value).forEach(walk);
    };
    const generation = (left: number): void =>
      runTask('generation', (task) => {
        if (left > 0) task.step('submit', () => generation(left - 1));
        else walk(context.active());
      });
    generation(50);
    assert.equal(reached, 1);
  });
});
