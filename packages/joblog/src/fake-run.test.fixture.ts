import type { SpanContext } from '@opentelemetry/api';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { EVENT, SCOPE } from '@taskspan/core';
import { type RunInfo, type RunRecord, taskFile } from '@taskspan/core/hub';

/** Records and spans as `core` and the SDK hand them over, without either. */
export const RESOURCE: Resource = resourceFromAttributes({
  'service.name': 'shop',
  'service.instance.id': '0b0c0d0e-1111-4222-8333-444455556666',
});
export const INSTANCE_ID = '0b0c0d0e-1111-4222-8333-444455556666';
/** 2026-03-04T05:06:07.890Z */
export const START_MS: number = Date.UTC(2026, 2, 4, 5, 6, 7, 890);

/** The SDK's scope object is stable, too. */
const TRACER_SCOPE = { name: SCOPE.name, version: SCOPE.version, schemaUrl: SCOPE.schemaUrl };

let made = 0;

function context(): SpanContext {
  made += 1;
  const spanId = made.toString(16).padStart(16, 'a');
  return { traceId: spanId + spanId, spanId, traceFlags: 1 };
}

export interface FakeRun extends RunInfo {
  readonly spanContext: SpanContext;
}

export function fakeRun(id: string, options: Partial<RunInfo> = {}): FakeRun {
  const spanContext = context();
  let sequence = 0;
  return {
    id,
    operation: 'commit',
    runId: spanContext.spanId,
    spanContext,
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

export function started(run: RunInfo): RunRecord {
  return fakeRecord(run, { eventName: EVENT.STARTED });
}

export function ended(run: RunInfo): RunRecord {
  return fakeRecord(run, {
    eventName: EVENT.ENDED,
    attributes: { 'task.status': 'success', 'task.duration_seconds': 0.123456 },
  });
}

export function taskSpan(run: RunInfo, options: Partial<ReadableSpan> = {}): ReadableSpan {
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
    duration: [0, 123_456_000],
    ended: true,
    resource: RESOURCE,
    instrumentationScope: TRACER_SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...options,
  };
}
