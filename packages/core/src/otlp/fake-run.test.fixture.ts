import type { RunInfo, RunLines, RunRecord } from '../internal/state.ts';
import { taskFile } from '../task-file.ts';
import type { LogRecordLike } from './log-json.ts';
import type { SpanLike } from './span-json.ts';

/** 2026-03-04T05:06:07.890Z */
const START_MS: number = Date.UTC(2026, 2, 4, 5, 6, 7, 890);

let made = 0;

/** A run as `runTask` makes it, without one. */
export function fakeRun(id: string, options: Partial<RunInfo> = {}): RunInfo {
  made += 1;
  const spanId = made.toString(16).padStart(16, 'a');
  let sequence = 0;
  return {
    id,
    operation: 'commit',
    runId: spanId,
    spanContext: { traceId: spanId + spanId, spanId, traceFlags: 1 },
    file: taskFile(id, START_MS),
    startTimeMs: START_MS,
    attempt: 1,
    waitSeconds: undefined,
    fields: undefined,
    orphan: false,
    status: undefined,
    errorType: undefined,
    durationSeconds: undefined,
    nextSequence: () => {
      sequence += 1;
      return sequence;
    },
    ...options,
  };
}

export function fakeRecord(run: RunInfo, options: Partial<RunRecord> = {}): RunRecord {
  return {
    run,
    spanContext: run.spanContext,
    sequence: run.nextSequence(),
    timeMs: START_MS + 0.25,
    eventName: undefined,
    severity: 9,
    body: undefined,
    attributes: undefined,
    ...options,
  };
}

export function fakeLines(run: RunInfo, options: Partial<RunLines> = {}): RunLines {
  return {
    run,
    spanContext: run.spanContext,
    firstSequence: run.nextSequence(),
    texts: ['a line'],
    isPlain: true,
    isAscii: true,
    timeMs: START_MS + 0.25,
    isAlone: true,
    severity: 9,
    attributes: { 'log.iostream': 'stdout' },
    ...options,
  };
}

export function fakeLog(options: Partial<LogRecordLike> = {}): LogRecordLike {
  const time: [number, number] = [1772600767, 890_000_000];
  return { hrTime: time, hrTimeObserved: time, attributes: {}, droppedAttributesCount: 0, ...options };
}

export function fakeSpan(run: RunInfo, options: Partial<SpanLike> = {}): SpanLike {
  return {
    name: run.operation,
    kind: 0,
    spanContext: () => run.spanContext,
    startTime: [1772600767, 890_000_000],
    endTime: [1772600768, 13_456_000],
    status: { code: 0 },
    attributes: { operation: run.operation, 'task.id': run.id, 'task.file': run.file, 'task.status': 'success' },
    links: [],
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...options,
  };
}
