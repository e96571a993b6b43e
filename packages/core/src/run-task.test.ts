import assert from 'node:assert/strict';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ATTR, SEVERITY } from './names.ts';
import { only, type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask, runTaskSteps, startTask } from './run-task.ts';
import type { TaskStatus } from './status.ts';
import type { Task, TaskOptions } from './task.ts';
import { startTaskSpan } from './task-record.ts';

class Conflict extends Error {
  override readonly name = 'Conflict';
}

const PAST = Date.now() - 60_000;
const stopped = new Error('stopped');

function aborted(reason: unknown): AbortSignal {
  const controller = new AbortController();
  controller.abort(reason);
  return controller.signal;
}

interface Ending {
  readonly throws?: { readonly error: unknown };
  readonly options?: TaskOptions;
  readonly status: TaskStatus;
  readonly errorType?: string;
  readonly severity: number;
}

/** The table of outcomes, as far as a call can bring it about; `orphaned` is in task-record.test.ts. */
const OUTCOMES: Readonly<Record<string, Ending>> = {
  success: { status: 'success', severity: SEVERITY.info },
  'acceptable error': {
    throws: { error: new Conflict('x') },
    options: { acceptableErrors: [Conflict] },
    status: 'success',
    errorType: 'Conflict',
    severity: SEVERITY.info,
  },
  failure: {
    throws: { error: new TypeError('x') },
    status: 'failure',
    errorType: 'TypeError',
    severity: SEVERITY.error,
  },
  'failure without text': { throws: { error: '' }, status: 'failure', errorType: 'string', severity: SEVERITY.error },
  'an error outranks expired': {
    throws: { error: new TypeError('x') },
    options: { deadline: PAST },
    status: 'failure',
    errorType: 'TypeError',
    severity: SEVERITY.error,
  },
  timeout: {
    throws: { error: Object.assign(new Error('late'), { name: 'AbortError' }) },
    options: { signal: aborted(Object.assign(new Error('late'), { name: 'TimeoutError' })) },
    status: 'failure',
    errorType: 'timeout',
    severity: SEVERITY.error,
  },
  expired: { options: { deadline: new Date(PAST) }, status: 'expired', severity: SEVERITY.warn },
  cancelled: {
    throws: { error: stopped },
    options: { signal: aborted(stopped) },
    status: 'cancelled',
    errorType: 'aborted',
    severity: SEVERITY.warn,
  },
  deferred: {
    throws: { error: new Conflict('later') },
    options: { outcome: () => ({ status: 'deferred' }) },
    status: 'deferred',
    severity: SEVERITY.info,
  },
};

type Runner = (ending: Ending) => Promise<unknown> | unknown;

function work(ending: Ending): string {
  if (ending.throws !== undefined) throw ending.throws.error;
  return 'done';
}

function thenable(ending: Ending): PromiseLike<string> {
  return {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
    then: (resolve, reject) => {
      const settled = ending.throws === undefined ? Promise.resolve('done') : Promise.reject(ending.throws.error);
      return settled.then(resolve, reject);
    },
  };
}

async function byHand(task: Task, ending: Ending): Promise<string> {
  let error: unknown;
  try {
    return await task.run(async () => work(ending));
  } catch (thrown) {
    error = thrown;
    throw thrown;
  } finally {
    task.end({ error });
  }
}

const RUNNERS: Readonly<Record<string, Runner>> = {
  'sync work': (ending) => runTask('op', () => work(ending), ending.options),
  'async work': (ending) => runTask('op', async () => work(ending), ending.options),
  'work that returns a thenable': (ending) => runTask('op', () => thenable(ending), ending.options),
  steps: (ending) => runTaskSteps('op', [{ name: 'one', run: () => work(ending) }], ending.options),
  'startTask and end': (ending) => byHand(startTask('op', ending.options), ending),
};

/** A hand-ended run has no value to ask `outcome()` about, and steps return a list. */
async function outcomeOf(run: Runner, ending: Ending): Promise<{ value: unknown } | { error: unknown }> {
  try {
    return { value: await run(ending) };
  } catch (error) {
    return { error };
  }
}

describe('the table of outcomes', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  for (const [runner, run] of Object.entries(RUNNERS)) {
    for (const [title, ending] of Object.entries(OUTCOMES)) {
      it(`${runner}: ${title} is ${ending.status}`, async () => {
        const result = await outcomeOf(run, ending);
        if (ending.throws === undefined) assert.deepEqual(result, { value: runner === 'steps' ? ['done'] : 'done' });
        else assert.equal('error' in result && result.error, ending.throws.error);

        const span = seen.span('op');
        assert.equal(span.attributes[ATTR.TASK_STATUS], ending.status);
        assert.equal(span.attributes[ATTR.ERROR_TYPE], ending.errorType);
        assert.equal(span.status.code, ending.status === 'failure' ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);

        const ended = seen.record('task.ended');
        assert.equal(ended.severity, ending.severity);
        assert.equal(ended.attributes?.[ATTR.TASK_STATUS], ending.status);
        assert.equal(ended.attributes?.[ATTR.ERROR_TYPE], ending.errorType);
        assert.equal(typeof ended.attributes?.[ATTR.TASK_DURATION], 'number');
        if (runner !== 'steps') assert.equal(seen.events().includes('exception'), ending.status === 'failure');
        assert.deepEqual(
          seen.records.map((record) => record.sequence),
          seen.records.map((_, index) => index + 1),
        );
      });
    }
  }

  it('startTaskSpan reads error and deadline of the record when it ends', () => {
    for (const [error, deadline, status] of [
      [undefined, undefined, 'success'],
      [null, PAST, 'expired'],
      ['', PAST, 'failure'],
      [new Conflict(), undefined, 'failure'],
    ] as const) {
      const record: { operation: string; error?: unknown; deadline?: number } = { operation: status };
      const task = startTaskSpan(null, record);
      record.error = error;
      if (deadline !== undefined) record.deadline = deadline;
      task.end();
    }
    assert.deepEqual(
      seen.spans().map((span) => span.attributes[ATTR.TASK_STATUS]),
      ['success', 'expired', 'failure', 'failure'],
    );
  });
});

describe('runTask', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('runs sync work before it returns, and ends it too', () => {
    const order: string[] = [];
    const value = runTask('op', () => {
      order.push('work');
      return 7;
    });
    order.push(seen.span('op').name);
    assert.equal(value, 7);
    assert.deepEqual(order, ['work', 'op']);
  });

  it('hands the work its task', () => {
    runTask(
      'op',
      (task) => {
        assert.equal(task.id, 'id-1');
        assert.equal(task.operation, 'op');
        assert.equal(task.signal.aborted, false);
        task.setAttribute('size', 3);
      },
      { id: 'id-1' },
    );
    assert.equal(seen.span('op').attributes['size'], 3);
    assert.equal(seen.span('op').attributes[ATTR.TASK_ID], 'id-1');
  });

  it('reads the clock at the end', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const deadline = Date.now() + 15;
    const running = runTask('op', () => gate, { deadline });
    while (Date.now() <= deadline) await new Promise(setImmediate);
    release();
    await running;
    assert.equal(seen.span('op').attributes[ATTR.TASK_STATUS], 'expired');
    assert.ok((seen.record('task.ended').attributes?.[ATTR.TASK_DURATION] as number) >= 0.014);
  });

  it('does not consume a generator', () => {
    let consumed = false;
    const made = runTask('op', function* () {
      consumed = true;
      yield 1;
    });
    assert.equal(consumed, false);
    assert.deepEqual([...made], [1]);
    assert.equal(seen.span('op').attributes[ATTR.TASK_STATUS], 'success');
  });

  it('does what calling it would do with what is no function, and fails the run', () => {
    for (const bad of [undefined, null, 5, 'x', {}]) {
      assert.throws(() => runTask('op', bad as never), TypeError);
    }
    assert.equal(seen.spans().length, 5);
    for (const span of seen.spans()) assert.equal(span.attributes[ATTR.ERROR_TYPE], 'TypeError');
  });

  it('rethrows every thrown thing itself', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const cyclic: Error & { cause?: unknown } = new Error('cycle');
    cyclic.cause = cyclic;
    const plain = new Error('x');
    // V8 formats the stack when it is first touched, and reads name and message for it.
    assert.equal(typeof plain.stack, 'string');
    const unreadable = Object.defineProperties(plain, {
      message: { get: () => assert.fail('message') },
      name: { get: () => assert.fail('name') },
      stack: { get: () => assert.fail('stack') },
    });
    const thrown = [null, undefined, '', 'x', 0, Symbol('x'), Object.freeze(new Error('x')), unreadable, proxy, cyclic];
    for (const [index, error] of [...thrown, new AggregateError([cyclic, null], 'all')].entries()) {
      const rethrow = (): never => {
        throw error;
      };
      const caught: unknown[] = [];
      try {
        runTask(`sync ${index}`, rethrow);
      } catch (again) {
        caught.push(again);
      }
      await runTask(`async ${index}`, async () => rethrow()).catch((again: unknown) => caught.push(again));
      assert.equal(caught.length, 2);
      assert.ok(Object.is(caught[0], error) && Object.is(caught[1], error));
      assert.equal(seen.span(`sync ${index}`).attributes[ATTR.TASK_STATUS], 'failure');
      assert.equal(seen.span(`async ${index}`).attributes[ATTR.TASK_STATUS], 'failure');
    }
    assert.deepEqual(seen.warnings, []);
  });

  it('runs work whose signal was aborted before', () => {
    assert.equal(
      runTask('op', (task) => task.signal.aborted, { signal: aborted(stopped) }),
      true,
    );
    assert.equal(seen.span('op').attributes[ATTR.TASK_STATUS], 'success');
  });

  it('keeps every log record when nothing is sampled', () => {
    stopRecording();
    seen = startRecording({ sampler: new AlwaysOffSampler() });
    runTask('op', () => 1);
    assert.deepEqual(seen.spans(), []);
    assert.deepEqual(seen.events(), ['task.started', 'task.ended']);
  });

  it('ends each of a thousand concurrent runs', async () => {
    const runs = Array.from({ length: 1000 }, (_, index) => runTask('many', async () => index));
    assert.deepEqual(
      await Promise.all(runs),
      Array.from({ length: 1000 }, (_, index) => index),
    );
    assert.equal(seen.spans().length, 1000);
  });
});

describe('runTaskSteps', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('returns at once and starts the first step in a microtask', async () => {
    const order: string[] = [];
    const running = runTaskSteps('op', [{ name: 'one', run: () => order.push('step') }]);
    order.push('submitted');
    queueMicrotask(() => order.push('microtask'));
    await running;
    assert.deepEqual(order, ['submitted', 'step', 'microtask']);
  });

  it('runs steps in order, one at a time, and returns their results', async () => {
    let open = 0;
    const order: string[] = [];
    const step = (name: string) => ({
      name,
      run: async (): Promise<string> => {
        open += 1;
        assert.equal(open, 1);
        await new Promise(setImmediate);
        open -= 1;
        order.push(name);
        return name.toUpperCase();
      },
    });
    assert.deepEqual(await runTaskSteps('op', [step('a'), step('b'), step('c')]), ['A', 'B', 'C']);
    assert.deepEqual(order, ['a', 'b', 'c']);
    const task = seen.span('op');
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      const span = seen.span(name);
      assert.equal(span.parentSpanContext?.spanId, task.spanContext().spanId);
      assert.equal(span.attributes['task.step.index'], index);
      assert.equal(span.attributes['task.step.status'], 'success');
      assert.equal(span.attributes['operation'], undefined);
      assert.equal(span.attributes['task.id'], task.attributes['task.id']);
    }
  });

  it('stops at the step that throws, rejects, or is no step', async () => {
    const failing = [
      () => {
        throw new Conflict('sync');
      },
      () => Promise.reject(new Conflict('async')),
    ];
    for (const run of failing) {
      let later = false;
      const after = {
        name: 'after',
        run: () => {
          later = true;
        },
      };
      await assert.rejects(runTaskSteps('op', [{ name: 'bad', run }, after]), Conflict);
      assert.equal(later, false);
    }
    await assert.rejects(runTaskSteps('op', [{ name: 'no function' } as never]), TypeError);
    await assert.rejects(runTaskSteps('op', [null as never]), TypeError);
    for (const span of seen.spans().filter((one) => one.name === 'op'))
      assert.equal(span.attributes[ATTR.TASK_STATUS], 'failure');
  });

  it('ends at once with no steps', async () => {
    assert.deepEqual(await runTaskSteps('op', []), []);
    assert.equal(seen.span('op').attributes[ATTR.TASK_STATUS], 'success');
  });

  it('has nothing to do with what is no list, and says so once', async () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    const unreadable = new Proxy([], {
      get: () => {
        throw new Error('trap');
      },
    });
    for (const bad of [undefined, null, 'abc', 5, {}, proxy])
      assert.deepEqual(await runTaskSteps('op', bad as never), []);
    assert.equal(seen.warnings.length, 1);
    assert.deepEqual(await runTaskSteps('op', unreadable as never), []);
    assert.equal(seen.warnings.length, 2);
  });

  it('does not see what the caller does to the list later', async () => {
    const steps = [{ name: 'one', run: () => 1 }];
    const running = runTaskSteps('op', steps);
    steps.length = 0;
    assert.deepEqual(await running, [1]);
  });
});

describe('startTask', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('ends once, however often and from wherever it is ended', async () => {
    const task = startTask('op');
    const ends = Array.from({ length: 100 }, async (_, index) => {
      if (index % 3 === 0) await Promise.resolve();
      if (index % 3 === 1) await new Promise(setImmediate);
      task.end(index === 2 ? { status: 'deferred' } : { error: new Conflict() });
    });
    await Promise.all(ends);
    assert.equal(seen.span('op').attributes[ATTR.TASK_STATUS], 'deferred');
    assert.deepEqual(seen.events(), ['task.started', 'task.ended']);
  });

  it('may be ended inside runTask, before the work returns', () => {
    runTask('op', (task) => task.end({ status: 'cancelled' }));
    assert.equal(seen.span('op').attributes[ATTR.TASK_STATUS], 'cancelled');
    assert.equal(seen.events().length, 2);
  });

  it('is not ended by an error that run rethrows', () => {
    const task = startTask('op');
    assert.throws(() => task.run(() => work({ throws: { error: stopped }, status: 'failure', severity: 17 })), stopped);
    assert.deepEqual(seen.spans(), []);
    task.end();
    assert.equal(seen.span('op').attributes[ATTR.TASK_STATUS], 'success');
  });

  it('takes null and undefined as no error, and everything else as one', () => {
    for (const error of [null, undefined]) startTask('ok').end({ error });
    for (const error of ['', 0, false, {}, Number.NaN]) startTask('bad').end({ error });
    const statuses = (name: string): unknown[] =>
      seen
        .spans()
        .filter((span) => span.name === name)
        .map((span) => span.attributes[ATTR.TASK_STATUS]);
    assert.deepEqual(statuses('ok'), ['success', 'success']);
    assert.deepEqual(
      statuses('bad'),
      Array.from({ length: 5 }, () => 'failure'),
    );
  });

  it('can be ended with anything', () => {
    const unreadable = Object.defineProperty({}, 'error', {
      get: () => {
        throw new Error('getter');
      },
    });
    for (const end of [null, 'text', 5, [], unreadable, () => 1]) startTask('op').end(end as never);
    assert.equal(seen.spans().length, 6);
  });

  it('is a span of the kind and with the attributes asked for', () => {
    startTask('op', {
      id: 'a/b',
      kind: SpanKind.CONSUMER,
      attempt: 2,
      maxAttempts: 5,
      label: 'nightly',
      outputs: ['s3://bucket/1'],
      attributes: { repository: 'r1', queue: 'q', operation: 'other', 'task.id': 'other' },
    }).end();
    const span = seen.span('op');
    assert.equal(span.kind, SpanKind.CONSUMER);
    const { 'task.file': file, ...attributes } = span.attributes;
    assert.deepEqual(attributes, {
      operation: 'op',
      'task.id': 'a/b',
      'task.attempt': 2,
      'task.max_attempts': 5,
      'task.label': 'nightly',
      'task.outputs': ['s3://bucket/1'],
      'task.status': 'success',
      repository: 'r1',
      queue: 'q',
    });
    assert.match(String(file), /^\d{4}-\d{2}-\d{2}\/a_b-[0-9a-f]{8}$/);
    assert.equal(
      only(
        seen.warnings.filter((line) => line.includes('task.id')),
        'warning',
      ).includes('belongs'),
      true,
    );
  });
});
