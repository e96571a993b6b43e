import { ATTR, EVENT, isTaskStatus } from '@taskspan/core';
import type { DecodedAttributes, DecodedRecord, DecodedSpan, DecodedValue } from '../decode.ts';
import { recordNanos } from '../entry/entry-of.ts';
import type { JobRow, JobStatus } from './job.ts';

const NANOS_PER_MS = 1_000_000n;
/** An open run whose last line is older may have lost its process. */
const OPEN_MS = 86_400_000;

/**
 * What a list shows of one run, gathered from its records (and its task span, for a run of which nobody wrote that it
 * began or ended), in any order, any of them more than once.
 */
export class RunFacts {
  readonly jobId: string;
  /** `task.run`; empty for records of writers that know no runs. */
  readonly run: string;
  #operation: string | undefined;
  #label: string | undefined;
  #attempt: number | undefined;
  #outputs: readonly string[] = [];
  #errorType: string | undefined;
  #startNanos: bigint | undefined;
  #endNanos: bigint | undefined;
  #durationSeconds: number | undefined;
  #status: JobStatus | undefined;
  /** An end of its own stands above a report that its process is lost, and both above a span. */
  #endRank = 0;
  #startRank = 0;
  #progress: number | undefined;
  #progressNanos = 0n;
  #service: string | undefined;
  #firstNanos: bigint | undefined;
  #lastNanos = 0n;

  constructor(jobId: string, run: string) {
    this.jobId = jobId;
    this.run = run;
  }

  /** `service.name` of whoever began it. */
  get service(): string | undefined {
    return this.#service;
  }

  /** When it began, or was first heard of, in nanoseconds since the epoch. */
  get startNanos(): bigint {
    return this.#startNanos ?? this.#firstNanos ?? 0n;
  }

  get isEnded(): boolean {
    return this.#status !== undefined;
  }

  add(record: DecodedRecord): void {
    const { attributes, eventName } = record;
    const nanos = recordNanos(record);
    this.#hear(nanos);
    this.#operation ??= textOf(attributes[ATTR.OPERATION]);
    this.#label ??= textOf(attributes[ATTR.TASK_LABEL]);
    if (eventName === EVENT.STARTED) this.#begin(record, nanos);
    else if (eventName === EVENT.ENDED) this.#end(attributes, nanos, 3);
    else if (eventName === EVENT.ORPHANED) this.#end(attributes, nanos, 2);
    else if (eventName === EVENT.PROGRESS) this.#advance(attributes[ATTR.TASK_PROGRESS], nanos);
    // Until the start is found; whoever began it outranks whoever only wrote a line.
    if (this.#startRank === 0) this.#service ??= serviceOf(record.resource.attributes);
  }

  /** @param span with the `operation` and the `task.id` of the run; others tell nothing */
  addSpan(span: DecodedSpan): void {
    this.#operation ??= textOf(span.attributes[ATTR.OPERATION]);
    this.#label ??= textOf(span.attributes[ATTR.TASK_LABEL]);
    this.#service ??= serviceOf(span.resource.attributes);
    this.#hear(span.startTimeUnixNano);
    this.#hear(span.endTimeUnixNano);
    if (this.#startRank < 1) {
      this.#startRank = 1;
      this.#startNanos = span.startTimeUnixNano;
      this.#attempt = numberOf(span.attributes[ATTR.TASK_ATTEMPT]);
      this.#takeOutputs(span.attributes);
    }
    if (this.#endRank >= 1 || span.endTimeUnixNano === 0n) return;
    const fallback = span.status.code === 2 ? 'failure' : 'success';
    const seconds = Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e9;
    const told = { [ATTR.TASK_DURATION]: seconds, [ATTR.TASK_STATUS]: fallback, ...span.attributes };
    this.#end(told, span.endTimeUnixNano, 1);
  }

  /** @param nowMs epoch milliseconds: decides whether an open run is still running */
  row(nowMs: number): JobRow {
    return {
      job_id: this.jobId,
      run: this.run,
      operation: this.#operation ?? 'unknown',
      label: this.#label ?? null,
      status: this.#status ?? (nowMs - Number(this.#lastNanos / NANOS_PER_MS) < OPEN_MS ? 'running' : 'unknown'),
      attempt: this.#attempt ?? null,
      started_at: instant(this.#startNanos),
      ended_at: instant(this.#endNanos),
      duration_seconds: this.#durationSeconds ?? null,
      outputs: this.#outputs,
      error_type: this.#errorType ?? null,
      progress: this.#progress ?? null,
      service: this.#service ?? null,
    };
  }

  #hear(nanos: bigint): void {
    if (nanos <= 0n) return;
    if (this.#firstNanos === undefined || nanos < this.#firstNanos) this.#firstNanos = nanos;
    if (nanos > this.#lastNanos) this.#lastNanos = nanos;
  }

  #begin({ attributes, resource }: DecodedRecord, nanos: bigint): void {
    this.#startRank = 2;
    this.#startNanos = nanos;
    this.#attempt = numberOf(attributes[ATTR.TASK_ATTEMPT]);
    this.#service = serviceOf(resource.attributes) ?? this.#service;
    if (this.#endRank < 3) this.#takeOutputs(attributes);
  }

  #end(attributes: DecodedAttributes, nanos: bigint, rank: number): void {
    if (rank <= this.#endRank) return;
    this.#endRank = rank;
    const status = attributes[ATTR.TASK_STATUS];
    this.#status = isTaskStatus(status) ? status : rank === 2 ? 'orphaned' : 'unknown';
    this.#endNanos = nanos;
    this.#durationSeconds = finiteOf(attributes[ATTR.TASK_DURATION]);
    this.#errorType = textOf(attributes[ATTR.ERROR_TYPE]);
    this.#label = textOf(attributes[ATTR.TASK_LABEL]) ?? this.#label;
    this.#takeOutputs(attributes);
  }

  #advance(value: DecodedValue | undefined, nanos: bigint): void {
    const progress = finiteOf(value);
    if (progress === undefined || nanos < this.#progressNanos) return;
    this.#progress = Math.min(1, Math.max(0, progress));
    this.#progressNanos = nanos;
  }

  #takeOutputs(attributes: DecodedAttributes): void {
    const outputs = attributes[ATTR.TASK_OUTPUTS];
    if (Array.isArray(outputs)) this.#outputs = outputs.filter((output) => typeof output === 'string');
    else if (typeof outputs === 'string') this.#outputs = [outputs];
  }
}

function serviceOf(resource: DecodedAttributes): string | undefined {
  return textOf(resource['service.name']);
}

function textOf(value: DecodedValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function finiteOf(value: DecodedValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function numberOf(value: DecodedValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** RFC 3339 with milliseconds; null for what is no instant of our days. */
function instant(nanos: bigint | undefined): string | null {
  if (nanos === undefined || nanos <= 0n) return null;
  const date = new Date(Number(nanos / NANOS_PER_MS));
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
