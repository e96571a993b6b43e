import assert from 'node:assert/strict';
import { SpanKind, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { beginRun } from './begin-run.ts';
import { IdleTask } from './idle-task.ts';
import { state } from './internal/state.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask, startTask } from './run-task.ts';
import type { TaskOptions } from './task.ts';
import { TaskRun } from './task-run.ts';

const throwing = (): never => {
  throw new Error('trap');
};
function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}
const cycle: Record<string, unknown> = { name: 'cycle' };
cycle['self'] = cycle;

/** A value of every kind. Each is wrong for most options, and none may reach the work. */
const KINDS: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  true: () => true,
  0: () => 0,
  '-1': () => -1,
  0.5: () => 0.5,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  'a bigint': () => 10n,
  'an empty string': () => '',
  'a string': () => '../../etc/passwd\n',
  'a long string': () => 'x'.repeat(10_000),
  'a lone surrogate': () => '\ud800',
  'a symbol': () => Symbol('x'),
  'a function': () => () => 1,
  'a throwing function': () => throwing,
  'a class': () => class Own {},
  'an object': () => ({}),
  'an object without prototype': () => Object.create(null),
  'a cycle': () => cycle,
  'an array': () => [1, 'x', null, {}],
  'a sparse array': () => Object.assign(new Array(3), { 0: 'x' }),
  'a date': () => new Date(Number.NaN),
  'what looks like a date': () => Object.create(Date.prototype),
  'an object whose getters throw': () => Object.defineProperty({}, 'x', { enumerable: true, get: throwing }),
  'an object that cannot be printed': () => ({ toString: throwing, toJSON: throwing, valueOf: throwing }),
  'a proxy whose traps throw': () =>
    new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing }),
  'an array whose traps throw': () => new Proxy([1], { get: throwing }),
  'a revoked proxy': () => revoked({}),
  'a revoked array': () => revoked([]),
  'a revoked function': () => revoked(() => 1),
  'a map': () => new Map([['a', 1]]),
  'a promise': () => Promise.resolve(1),
};

const OPTIONS: readonly (keyof TaskOptions)[] = [
  'id',
  'attributes',
  'kind',
  'attempt',
  'maxAttempts',
  'deadline',
  'signal',
  'enqueuedAt',
  'scheduledAt',
  'outputs',
  'label',
  'logger',
  'carrier',
  'relation',
  'acceptableErrors',
  'outcome',
];

describe('misuse of the API', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  for (const option of OPTIONS) {
    it(`${option}: a value of any kind leaves the work alone, and is reported once`, () => {
      for (const [kind, make] of Object.entries(KINDS)) {
        const options = { [option]: make() } as TaskOptions;
        assert.equal(
          runTask('op', () => 'result', options),
          'result',
          kind,
        );
        const failure = new Error(kind);
        const failing = (): never => {
          throw failure;
        };
        assert.throws(() => runTask('op', failing, options), failure);
        assert.throws(() => runTask('op', failing, options), failure);
        startTask('op', options).end();
      }
      assert.equal(seen.spans().length, 4 * Object.keys(KINDS).length);
      assert.equal(new Set(seen.warnings).size, seen.warnings.length, seen.warnings.join('\n'));
      assert.ok(seen.warnings.length > 0);
      assert.equal(state.openRuns.size, 0);
      for (const record of seen.records)
        assert.match(record.run.file, /^\d{4}-\d{2}-\d{2}\/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
    });
  }

  it('operation: a value of any kind', () => {
    for (const make of Object.values(KINDS))
      assert.equal(
        runTask(make() as string, () => 1),
        1,
      );
    const names = new Set(seen.spans().map((span) => span.attributes['operation']));
    assert.equal(names.has('unknown'), true);
    for (const name of names) assert.ok(typeof name === 'string' && name !== '' && name.length <= 256);
    assert.equal(new Set(seen.warnings).size, seen.warnings.length);
  });

  it('options as a whole: a value of any kind', () => {
    for (const make of Object.values(KINDS))
      assert.equal(
        runTask('op', () => 1, make() as TaskOptions),
        1,
      );
    assert.equal(seen.spans().length, Object.keys(KINDS).length);
    assert.equal(state.openRuns.size, 0);
  });

  it('an option that throws when read costs that option alone', () => {
    const options: TaskOptions = {
      id: 'id-1',
      attempt: 3,
      get label(): string {
        return throwing();
      },
    };
    runTask('op', () => 1, options);
    assert.equal(seen.span('op').attributes['task.id'], 'id-1');
    assert.equal(seen.span('op').attributes['task.attempt'], 3);
    assert.deepEqual(seen.events(), ['task.started', 'task.ended']);
    assert.equal(seen.warnings.length, 1);
  });

  it('no option makes a sync result of any kind another', () => {
    fc.assert(
      fc.property(fc.anything(), fc.dictionary(fc.constantFrom(...OPTIONS), fc.anything()), (value, options) => {
        const result = runTask('op', () => value, options as TaskOptions);
        // A value with a `then` of its own is a thenable.
        return Object.is(result, value) || typeof (value as { then?: unknown }).then === 'function';
      }),
      { numRuns: 200 },
    );
    assert.equal(state.openRuns.size, 0);
  });

  it('attributes of every kind become what spans can carry', () => {
    const attributes = {
      text: 'x',
      list: ['a', 'b'],
      mixed: ['a', 1],
      holes: Object.assign(new Array(2), { 0: 'a' }),
      empty: [],
      date: new Date(0),
      invalid: new Date(Number.NaN),
      big: 10n,
      nested: { a: { b: 1 } },
      nothing: null,
      missing: undefined,
      function: () => 1,
      cycle,
      map: new Map([['a', 1]]),
      get bad(): string {
        return throwing();
      },
      '': 'no key',
      ['__proto__']: ['no prototype'],
    };
    runTask('op', () => 1, { attributes });
    const { operation, 'task.id': id, 'task.file': file, 'task.status': status, ...own } = seen.span('op').attributes;
    assert.deepEqual(own, {
      text: 'x',
      list: ['a', 'b'],
      mixed: '["a",1]',
      holes: '["a",null]',
      empty: [],
      date: '1970-01-01T00:00:00.000Z',
      invalid: 'Invalid Date',
      big: '10',
      nested: '{"a":{"b":1}}',
      map: '{}',
    });
    assert.ok(operation && id && file && status);
  });
});

describe('beginRun', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('gives a run whose wait counts on first attempts only, and is never negative', () => {
    const past = Date.now() - 10_000;
    const wait = (options: TaskOptions): number | undefined => {
      const run = beginRun('op', options);
      assert.ok(run instanceof TaskRun);
      return run.waitSeconds;
    };
    assert.ok((wait({ enqueuedAt: past }) ?? 0) >= 10);
    assert.ok((wait({ enqueuedAt: new Date(past), attempt: 1 }) ?? 0) >= 10);
    assert.ok((wait({ enqueuedAt: past, scheduledAt: Date.now() - 1000 }) ?? 99) < 5);
    assert.equal(wait({ enqueuedAt: Date.now() + 60_000 }), 0);
    assert.equal(wait({ enqueuedAt: past, attempt: 2 }), undefined);
    assert.equal(wait({ enqueuedAt: 0 }), undefined);
    assert.equal(wait({}), undefined);
  });

  it('falls back to no span when the tracer cannot give one', () => {
    trace.disable();
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: throwing, startActiveSpan: throwing }) as never });
    assert.equal(
      runTask('op', () => 1),
      1,
    );
    trace.disable();
    trace.setGlobalTracerProvider({ getTracer: throwing });
    assert.equal(
      runTask('op', () => 1),
      1,
    );
    trace.disable();
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => ({ owner: 'somebody' }) }) as never });
    assert.equal(
      runTask('op', () => 1),
      1,
    );
    assert.equal(seen.records.length, 6);
    assert.equal(state.starting, undefined);
  });

  it('works with spans that keep no attributes to be seen', () => {
    const set: Record<string, unknown> = {};
    const inner = trace.getTracer('x').startSpan('x');
    const foreign = {
      spanContext: () => inner.spanContext(),
      isRecording: () => true,
      setAttribute(key: string, value: unknown) {
        set[key] = value;
        return this;
      },
      setAttributes(attributes: object) {
        Object.assign(set, attributes);
        return this;
      },
      setStatus() {
        return this;
      },
      end: () => {},
    };
    trace.disable();
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => foreign }) as never });
    startTask('op', { id: 'id-1', attributes: { queue: 'q' }, outputs: ['o'] }).end({ error: new TypeError('x') });
    assert.equal(set['task.id'], 'id-1');
    assert.equal(set['task.status'], 'failure');
    assert.equal(set['error.type'], 'TypeError');
    assert.equal(set['queue'], 'q');
    assert.deepEqual(set['task.outputs'], ['o']);
  });

  it('is idle without anybody to tell, and real for a logger, a sink or an observer alone', () => {
    stopRecording();
    assert.ok(beginRun('op', undefined) instanceof IdleTask);
    assert.ok(beginRun('op', { logger: { info() {}, warn() {}, error() {} } }) instanceof TaskRun);
    state.sinks.push(() => {});
    assert.ok(beginRun('op', undefined) instanceof TaskRun);
    state.sinks.length = 0;
    state.runObservers.push({ onRunStart: () => {}, onRunEnd: () => {} });
    assert.ok(beginRun('op', undefined) instanceof TaskRun);
  });

  it('starts the kinds that a task can be, and no other', () => {
    for (const kind of [SpanKind.INTERNAL, SpanKind.CONSUMER, SpanKind.SERVER, 99])
      startTask(`kind ${kind}`, { kind }).end();
    assert.deepEqual(
      seen.spans().map((span) => span.kind),
      [SpanKind.INTERNAL, SpanKind.CONSUMER, SpanKind.INTERNAL, SpanKind.INTERNAL],
    );
  });
});
