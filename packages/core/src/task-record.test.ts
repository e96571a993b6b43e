import assert from 'node:assert/strict';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { state } from './internal/state.ts';
import { LIMITS } from './limits.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask } from './run-task.ts';
import type { TaskRecord } from './task.ts';
import { recordLostRun, recordMissedTask, recordOrphanedTask, startTaskSpan } from './task-record.ts';

const unreadable = (): TaskRecord =>
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('trap');
      },
    },
  );
function revoked(): TaskRecord {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
const BAD = [5, 'text', true, () => 1, Symbol('x'), [], unreadable(), revoked()] as unknown as TaskRecord[];

describe('startTaskSpan', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('takes everything from the record', () => {
    startTaskSpan(null, {
      id: 'id-1',
      operation: 'commit',
      repository: 'repo',
      request_id: 'req',
      user: 'me',
      label: 'l',
      attempt: 1,
      attributes: { queue: 'q' },
    }).end();
    const { 'task.file': file, ...attributes } = seen.span('commit').attributes;
    assert.deepEqual(attributes, {
      operation: 'commit',
      'task.id': 'id-1',
      'task.label': 'l',
      'task.attempt': 1,
      'task.status': 'success',
      queue: 'q',
      repository: 'repo',
      request_id: 'req',
      user: 'me',
    });
    assert.equal(typeof file, 'string');
    assert.deepEqual(seen.record('task.ended').run.fields, { repository: 'repo', request_id: 'req', user: 'me' });
  });

  it('lets what end() says go before the record, and ends once', () => {
    const record = { operation: 'op', error: 'of the record' };
    const task = startTaskSpan(undefined, record);
    task.end({ error: new TypeError('x') });
    task.end();
    assert.equal(seen.span('op').attributes['error.type'], 'TypeError');
  });

  it('is inert for null and undefined', () => {
    for (const record of [null, undefined]) {
      const task = startTaskSpan(null, record);
      assert.equal(task.operation, 'unknown');
      assert.equal(
        task.run((own) => own.step('x', () => 7)),
        7,
      );
      task.end();
      task.end({ error: new Error('x') });
    }
    assert.deepEqual([seen.spans(), seen.records, seen.warnings], [[], [], []]);
  });

  it('takes any record and never throws', () => {
    for (const record of BAD) {
      const task = startTaskSpan(null, record);
      assert.equal(
        task.run(() => 'work'),
        'work',
      );
      task.end();
    }
    for (const span of seen.spans()) assert.equal(span.name, 'unknown');
    assert.equal(new Set(seen.warnings).size, seen.warnings.length);
    fc.assert(
      fc.property(
        fc.record(
          Object.fromEntries(
            [
              'id',
              'operation',
              'error',
              'deadline',
              'done',
              'repository',
              'user',
              'label',
              'attempt',
              'attributes',
            ].map((key) => [key, fc.anything()]),
          ),
          { requiredKeys: [] },
        ),
        (record) => {
          startTaskSpan(null, record as TaskRecord).end();
          return true;
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('recordOrphanedTask', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('says in span and record that the process was lost', () => {
    recordOrphanedTask(null, { id: 'id-1', operation: 'op', request_id: 'r', startedAt: Date.UTC(2026, 0, 2) });
    const span = seen.span('op');
    assert.equal(span.status.code, SpanStatusCode.ERROR);
    assert.equal(span.attributes['task.status'], 'orphaned');
    assert.equal(span.attributes['error.type'], 'process_lost');
    assert.equal(span.attributes['task.file'], '2026-01-02/id-1');
    assert.deepEqual(seen.events(), ['task.orphaned']);
    const record = seen.record('task.orphaned');
    assert.equal(record.severity, 13);
    assert.equal(record.sequence, 1);
    assert.equal(record.run.orphan, true);
    assert.deepEqual(record.run.fields, { request_id: 'r' });
    assert.deepEqual(record.attributes, { 'task.status': 'orphaned', 'error.type': 'process_lost' });
  });

  it('counts a run once: the same object, the same id, also as a number', () => {
    const record = { operation: 'a' };
    for (let time = 0; time < 3; time += 1) recordOrphanedTask(null, record);
    recordOrphanedTask(null, { id: 'id-1', operation: 'b' });
    recordOrphanedTask(null, { id: 'id-1', operation: 'b' });
    recordOrphanedTask(null, { id: 7 as never, operation: 'c' });
    recordOrphanedTask(null, { id: '7', operation: 'c' });
    assert.deepEqual(
      seen.spans().map((span) => span.name),
      ['a', 'b', 'c'],
    );
  });

  it('counts nothing for a done record or none', () => {
    for (const record of [{ id: 'x', done: true }, null, undefined]) recordOrphanedTask(null, record);
    assert.deepEqual(seen.spans(), []);
  });

  it('is no open run, and belongs to nobody who is running', () => {
    runTask('sweeper', () => recordOrphanedTask(null, { id: 'lost', operation: 'op' }), { attributes: { user: 'me' } });
    assert.deepEqual(seen.span('op').links, []);
    assert.equal(seen.record('task.orphaned').run.fields, undefined);
    assert.equal(state.openRuns.size, 0);
  });

  it('forgets the oldest ids at a limit', () => {
    for (let id = 0; id < LIMITS.orphansRemembered; id += 1) state.orphans.add(`old-${id}`);
    recordOrphanedTask(null, { id: 'new' });
    assert.equal(state.orphans.size, LIMITS.orphansRemembered);
    assert.equal(state.orphans.has('old-0'), false);
    assert.equal(state.orphans.has('new'), true);
  });

  it('takes any record and any start, without a tracer too, and never throws', () => {
    for (const record of BAD) recordOrphanedTask(null, record);
    for (const startedAt of [1e20, -1, Number.NaN, 'x', new Date(Number.NaN), 1.7e15])
      recordOrphanedTask(null, { id: `at ${String(startedAt)}`, operation: 'at', startedAt: startedAt as number });
    for (const span of seen.spans())
      assert.match(String(span.attributes['task.file']), /^\d{4}-\d{2}-\d{2}\/[A-Za-z0-9]/);
    assert.equal(seen.spans().filter((span) => span.name === 'at').length, 6);
    trace.disable();
    state.sinks.length = 0;
    recordOrphanedTask(null, { id: 'nobody listens' });
  });
});

describe('recordLostRun', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  const LOST = {
    id: 'mail.42.1',
    relation: 'root',
    kind: SpanKind.CONSUMER,
    attempt: 1,
    maxAttempts: 3,
    enqueuedAt: 1000,
    startedAt: Date.UTC(2026, 0, 2),
    carrier: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    attributes: { 'messaging.system': 'bullmq' },
    own: { 'task.library': 'bullmq', 'task.trigger': 'queue', 'task.job.id': '42' },
  } as const;
  const OWN = { 'task.attempt': 1, 'task.max_attempts': 3, ...LOST.own };

  it('says in span and record what the run itself would say', () => {
    runTask('sweeper', () => recordLostRun('send', LOST));
    const span = seen.span('send');
    assert.deepEqual(span.attributes, {
      operation: 'send',
      'task.id': 'mail.42.1',
      'task.file': '2026-01-02/mail.42.1',
      'messaging.system': 'bullmq',
      ...OWN,
      'task.status': 'orphaned',
      'error.type': 'process_lost',
    });
    assert.equal(span.kind, SpanKind.CONSUMER);
    assert.deepEqual(
      span.links.map((link) => link.context.spanId),
      ['b'.repeat(16)],
    );
    const { run, attributes } = seen.record('task.orphaned');
    assert.deepEqual(attributes, { ...OWN, 'task.status': 'orphaned', 'error.type': 'process_lost' });
    assert.deepEqual([run.orphan, run.waitSeconds], [true, undefined]);
  });

  it('counts a run once for its id, whoever tells of it', () => {
    recordLostRun('send', { ...LOST });
    recordLostRun('send', { ...LOST });
    recordOrphanedTask(null, { id: LOST.id, operation: 'send' });
    assert.equal(seen.spans().length, 1);
    assert.equal(state.openRuns.size, 0);
  });

  it('is nothing when nobody watches', () => {
    stopRecording();
    seen = startRecording({ spans: false, records: 'none' });
    recordLostRun('send', LOST);
    assert.deepEqual(seen.warnings, []);
  });
});

describe('recordMissedTask', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('counts by operation and reason', () => {
    recordMissedTask('a');
    recordMissedTask('a', { reason: 'overlap', scheduledAt: new Date() });
    recordMissedTask('a', { reason: 'overlap' });
    recordMissedTask('');
    assert.deepEqual(Object.fromEntries(state.missed.get('a') ?? []), { missed: 1, overlap: 2 });
    assert.deepEqual(Object.fromEntries(state.missed.get('unknown') ?? []), { missed: 1 });
  });

  it('takes anything, and reports it once', () => {
    for (const bad of [null, 5, 'x', { reason: 'other' }, { reason: {}, scheduledAt: 'x' }, unreadable(), revoked()])
      recordMissedTask('b', bad as never);
    assert.equal(state.missed.get('b')?.get('missed'), 7);
    assert.equal(new Set(seen.warnings).size, seen.warnings.length);
  });

  it('tells a bounded number of operations apart', () => {
    for (let index = 0; index < 5000; index += 1) recordMissedTask(`op ${index}`);
    assert.equal(state.missed.size, 4097);
    assert.equal(state.missed.get('_other')?.get('missed'), 5000 - 4096);
  });
});
