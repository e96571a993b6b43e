import assert from 'node:assert/strict';
import { trace } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { closeOpenRuns } from './internal/hub.ts';
import { type RunInfo, state } from './internal/state.ts';
import { ATTR, SCOPE } from './names.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask, startTask } from './run-task.ts';

describe('a run', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('keeps operation and task.* whatever the options, setAttribute or the active span say', () => {
    const reserved = Object.fromEntries(
      [ATTR.OPERATION, ATTR.TASK_ID, ATTR.TASK_FILE, ATTR.TASK_STATUS, ATTR.TASK_LABEL, ATTR.TASK_ATTEMPT].map(
        (key) => [key, 'forged'],
      ),
    );
    runTask(
      'op',
      (task) => {
        for (const key in reserved) task.setAttribute(key, 'forged');
        trace.getActiveSpan()?.setAttributes({ ...reserved, [ATTR.TASK_OUTPUTS]: 'forged' });
      },
      { id: 'id-1', label: 'mine', attempt: 1, outputs: ['a'], attributes: reserved },
    );
    const { attributes } = seen.span('op');
    assert.deepEqual(
      [
        attributes['operation'],
        attributes['task.id'],
        attributes['task.status'],
        attributes['task.label'],
        attributes['task.attempt'],
        attributes['task.outputs'],
      ],
      ['op', 'id-1', 'success', 'mine', 1, ['a']],
    );
    assert.match(String(attributes['task.file']), /\/id-1$/);
  });

  it('keeps its own attributes when the limit is three', () => {
    stopRecording();
    seen = startRecording({ spanLimits: { attributeCountLimit: 3 } });
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`a${index}`, index]));
    assert.throws(() =>
      runTask(
        'op',
        () => {
          trace.getActiveSpan()?.setAttributes(many);
          throw new TypeError('x');
        },
        { id: 'id-1', label: 'l', attempt: 1, maxAttempts: 2, outputs: ['o'], attributes: many },
      ),
    );
    const { attributes } = seen.span('op');
    for (const key of [
      'operation',
      'task.id',
      'task.file',
      'task.label',
      'task.attempt',
      'task.max_attempts',
      'task.outputs',
      'task.status',
      'error.type',
    ])
      assert.notEqual(attributes[key], undefined, key);
  });

  it('ends under the scope of the toolkit, with version and schema', () => {
    startTask('op').end();
    const { instrumentationScope } = seen.span('op');
    assert.deepEqual(
      [instrumentationScope.name, instrumentationScope.version, instrumentationScope.schemaUrl],
      [SCOPE.name, SCOPE.version, SCOPE.schemaUrl],
    );
  });

  it('shows itself to processors while its span starts and ends, and restores what was shown before', () => {
    stopRecording();
    const shown: string[] = [];
    let inner = false;
    const processor: SpanProcessor = {
      onStart: () => void shown.push(`start ${state.starting?.operation}`),
      onEnd: () => {
        if (!inner) {
          inner = true;
          startTask('inner').end();
        }
        shown.push(`end ${state.ending?.operation} ${state.ending?.status}`);
      },
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    seen = startRecording({ processors: [processor] });
    startTask('outer').end({ status: 'deferred' });
    trace.getTracer('app').startSpan('plain').end();
    assert.deepEqual(shown, [
      'start outer',
      'start inner',
      'end inner success',
      'end outer deferred',
      'start undefined',
      'end undefined undefined',
    ]);
  });

  it('keeps lines logged after its end, with its ids and the next numbers', () => {
    const task = startTask('op', { id: 'id-1', attributes: { request_id: 'r-1' } });
    task.end();
    task.log('warn', 'late');
    const late = seen.records[2];
    assert.equal(late?.sequence, 3);
    assert.equal(late?.body, 'late');
    assert.equal(late?.run.id, 'id-1');
    assert.deepEqual(late?.run.fields, { request_id: 'r-1' });
  });

  it('writes lines under the span that is active in the run', () => {
    const task = startTask('op');
    task.run(() => task.step('part', () => task.log('info', 'inside')));
    task.log('info', 'outside');
    task.end();
    const [inside, outside] = seen.records.filter((record) => record.body !== undefined);
    assert.equal(inside?.spanContext.spanId, seen.span('part').spanContext().spanId);
    assert.equal(outside?.spanContext.spanId, seen.span('op').spanContext().spanId);
  });

  it('writes metric points and outputs', () => {
    const task = startTask('op', { outputs: ['a'] });
    task.metric('rows_processed', 12, { unit: '{row}', labels: { table: 't1' } });
    task.metric('ratio', Number.NaN);
    task.addOutput('b');
    task.end();
    const [rows, ratio] = seen.records.filter((record) => record.eventName === 'task.metric');
    assert.deepEqual(rows?.attributes, {
      'metric.name': 'rows_processed',
      'metric.value': 12,
      'metric.unit': '{row}',
      'metric.label.table': 't1',
    });
    assert.ok(Number.isNaN(ratio?.attributes?.['metric.value']));
    assert.deepEqual(seen.span('op').attributes['task.outputs'], ['a', 'b']);
    assert.deepEqual(seen.record('task.ended').attributes?.['task.outputs'], ['a', 'b']);
  });

  it('writes the error that ended it once, with type, message and stack', () => {
    assert.throws(() =>
      runTask('op', (task) =>
        task.step('part', () => {
          throw new TypeError('no space');
        }),
      ),
    );
    const { attributes, severity, body } = seen.record('exception');
    assert.equal(severity, 17);
    assert.equal(body, 'no space');
    assert.equal(attributes?.['exception.type'], 'TypeError');
    assert.equal(attributes?.['exception.message'], 'no space');
    assert.match(String(attributes?.['exception.stacktrace']), /TypeError: no space\n/);
    assert.equal(seen.span('op').status.message, 'no space');
    assert.deepEqual(seen.events(), ['task.started', 'exception', 'task.step', 'task.ended']);
  });

  it("puts what outcome() says beside the status onto the span and into the run's last record", () => {
    runTask('op', () => 1, { outcome: () => ({ status: 'deferred', attributes: { delay: 5, 'task.id': 'forged' } }) });
    assert.equal(seen.span('op').attributes['delay'], 5);
    assert.equal(seen.record('task.ended').attributes?.['delay'], 5);
    assert.notEqual(seen.span('op').attributes['task.id'], 'forged');
  });

  it('takes any argument in the hands of the work, and reports each once', () => {
    const unprintable = { toString: () => assert.fail('called') };
    const unreadable = new Proxy({}, { get: () => assert.fail('trap'), ownKeys: () => assert.fail('trap') });
    const calls: readonly ((task: never) => void)[] = [
      (task: { log: (...of: unknown[]) => void }) => {
        for (const level of ['fatal', 'constructor', unprintable, undefined, Symbol('x')]) task.log(level, 'line');
      },
      (task: { log: (...of: unknown[]) => void }) => {
        for (const message of [undefined, 5, {}, unprintable, new Error('x')]) task.log('info', message);
        task.log('info', 'x', unreadable);
        task.log('info', 'x', 'text');
      },
      (task: { setAttribute: (...of: unknown[]) => void }) => {
        for (const key of [unprintable, 5, null, Symbol('x'), Object.create(null)]) task.setAttribute(key, 1);
      },
      (task: { setAttribute: (...of: unknown[]) => void }) => {
        for (const value of [null, undefined, () => 1, Symbol('x'), unreadable, 1n]) task.setAttribute('key', value);
      },
      (task: { progress: (...of: unknown[]) => void }) => {
        for (const share of [Number.NaN, 'x', undefined, {}, unprintable]) task.progress(share);
        task.progress(0.1, 5);
      },
      (task: { metric: (...of: unknown[]) => void }) => {
        for (const name of ['', undefined, unprintable]) task.metric(name, 1);
        task.metric('m', 'x');
        task.metric('m', 1, unreadable);
        task.metric('m', 1, { unit: 5, labels: 'x' });
      },
      (task: { addOutput: (...of: unknown[]) => void }) => {
        for (const output of [5, null, {}, unprintable]) task.addOutput(output);
      },
      (task: { step: (...of: unknown[]) => unknown }) => {
        for (const name of [5, null, '', unprintable])
          assert.equal(
            task.step(name, () => 'result'),
            'result',
          );
      },
    ];
    for (const call of calls) {
      const result = runTask('op', (task) => {
        call(task as never);
        call(task as never);
        return 'unchanged';
      });
      assert.equal(result, 'unchanged');
    }
    assert.equal(new Set(seen.warnings).size, seen.warnings.length);
    for (const word of ['log level', 'log attributes', 'attribute', 'progress', 'metric', 'output', 'step name'])
      assert.ok(
        seen.warnings.some((line) => line.includes(word)),
        word,
      );
    for (const record of seen.records) assert.equal(typeof record.severity, 'number');
  });

  it('fails as open run with the error that ends the process, whatever is acceptable', () => {
    startTask('a', { acceptableErrors: [Error], outcome: () => ({ status: 'success' }) });
    closeOpenRuns({ error: new RangeError('crash') });
    assert.equal(seen.span('a').attributes['task.status'], 'failure');
    assert.equal(seen.span('a').attributes['error.type'], 'RangeError');
    assert.equal(seen.events().includes('exception'), true);
    const open = startTask('b');
    closeOpenRuns({ status: 'cancelled', errorType: 'process_exit' });
    open.end({ error: new Error('too late') });
    assert.equal(seen.span('b').attributes['task.status'], 'cancelled');
    assert.equal(seen.span('b').attributes['error.type'], 'process_exit');
    assert.equal(state.openRuns.size, 0);
  });

  it('leaves no run open after thousands of runs of every kind', async () => {
    const endings = Array.from({ length: 2000 }, (_, index) =>
      index % 2 === 0 ? runTask('x', async () => index) : runTask('x', () => Promise.reject(new Error('x'))),
    );
    assert.equal(state.openRuns.size, 2000);
    await Promise.allSettled(endings);
    assert.equal(state.openRuns.size, 0);
  });

  it('is told to observers when no tracer records its span, and only then', () => {
    const told: string[] = [];
    const tell = (what: string) => (run: RunInfo) => void told.push(`${what} ${run.operation} ${run.status}`);
    const failing = (): never => {
      throw new Error('observer');
    };
    state.runObservers.push(
      { onRunStart: failing, onRunEnd: failing },
      { onRunStart: tell('start'), onRunEnd: tell('end') },
    );
    runTask('recorded', () => 1);
    assert.deepEqual(told, []);
    trace.disable();
    runTask('unrecorded', () => 1);
    assert.deepEqual(told, ['start unrecorded undefined', 'end unrecorded success']);
  });

  it('has a run id also where no tracer gives a span', () => {
    stopRecording();
    seen = startRecording({ spans: false });
    runTask('op', () => 1);
    const [started, ended] = seen.records;
    assert.match(started?.run.runId ?? '', /^[0-9a-f]{16}$/);
    assert.equal(started?.run.runId, ended?.run.runId);
  });
});
