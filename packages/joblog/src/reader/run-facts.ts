import { ATTR, EVENT, isTaskStatus } from '@taskspan/core';
import type { DecodedAttributes, DecodedRecord, DecodedSpan, DecodedValue } from '../decode.ts';
import { recordNanos } from '../entry/entry-of.ts';
import type { JobRow, JobStatus } from './job.ts';

const NANOS_PER_MS = 1_000_000n;
/** An open run whose last line is older may have lost its process. */
const OPEN_MS = 86_400_000;

/** What is known of one run so far. It can be kept, and taken up again by {@link RunFacts}. */
export interface RunState {
  operation?: string;
  label?: string;
  attempt?: number;
  outputs: readonly string[];
  errorType?: string;
  startNanos?: bigint;
  endNanos?: bigint;
  durationSeconds?: number;
  status?: JobStatus;
  /** Who told the end. An end of its own (3) stands above a report that its process is lost (2), and both above a span (1). */
  endRank: number;
  /** Who told the start: the record of it (2), or a span (1). */
  startRank: number;
  progress?: number;
  progressNanos: bigint;
  service?: string;
  firstNanos?: bigint;
  lastNanos: bigint;
}

/**
 * What a list shows of one run, gathered from its records (and its task span, for a run of which nobody wrote that it
 * began or ended), in any order, any of them more than once.
 */
export class RunFacts {
  readonly jobId: string;
  /** `task.run`; empty for records of writers that know no runs. */
  readonly run: string;
  readonly state: RunState;

  /** @param state what was known before; it is changed */
  constructor(jobId: string, run: string, state?: RunState) {
    this.jobId = jobId;
    this.run = run;
    this.state = state ?? { outputs: [], endRank: 0, startRank: 0, progressNanos: 0n, lastNanos: 0n };
  }

  /** `service.name` of whoever began it. */
  get service(): string | undefined {
    return this.state.service;
  }

  /** When it began, or was first heard of, in nanoseconds since the epoch. */
  get startNanos(): bigint {
    return this.state.startNanos ?? this.state.firstNanos ?? 0n;
  }

  get isEnded(): boolean {
    return this.state.status !== undefined;
  }

  add(record: DecodedRecord): void {
    const { state } = this;
    const { attributes, eventName } = record;
    const nanos = recordNanos(record);
    this.#hear(nanos);
    setOnce(state, 'operation', textOf(attributes[ATTR.OPERATION]));
    setOnce(state, 'label', textOf(attributes[ATTR.TASK_LABEL]));
    if (eventName === EVENT.STARTED) this.#begin(record, nanos);
    else if (eventName === EVENT.ENDED) this.#end(attributes, nanos, 3);
    else if (eventName === EVENT.ORPHANED) this.#end(attributes, nanos, 2);
    else if (eventName === EVENT.PROGRESS) this.#advance(attributes[ATTR.TASK_PROGRESS], nanos);
    // Until the start is found; whoever began it outranks whoever only wrote a line.
    if (state.startRank === 0) setOnce(state, 'service', serviceOf(record.resource.attributes));
  }

  /** @param span with the `operation` and the `task.id` of the run; others tell nothing */
  addSpan(span: DecodedSpan): void {
    const { state } = this;
    setOnce(state, 'operation', textOf(span.attributes[ATTR.OPERATION]));
    setOnce(state, 'label', textOf(span.attributes[ATTR.TASK_LABEL]));
    setOnce(state, 'service', serviceOf(span.resource.attributes));
    this.#hear(span.startTimeUnixNano);
    this.#hear(span.endTimeUnixNano);
    if (state.startRank < 1) {
      state.startRank = 1;
      state.startNanos = span.startTimeUnixNano;
      put(state, 'attempt', numberOf(span.attributes[ATTR.TASK_ATTEMPT]));
      this.#takeOutputs(span.attributes);
    }
    if (state.endRank >= 1 || span.endTimeUnixNano === 0n) return;
    const fallback = span.status.code === 2 ? 'failure' : 'success';
    const seconds = Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e9;
    const told = { [ATTR.TASK_DURATION]: seconds, [ATTR.TASK_STATUS]: fallback, ...span.attributes };
    this.#end(told, span.endTimeUnixNano, 1);
  }

  /** Takes what another file tells about the same run. */
  merge(other: RunState): void {
    const { state } = this;
    if (other.firstNanos !== undefined) this.#hear(other.firstNanos);
    this.#hear(other.lastNanos);
    setOnce(state, 'operation', other.operation);
    setOnce(state, 'label', other.label);
    const isStart = other.startRank > state.startRank;
    const isEnd = other.endRank > state.endRank;
    if (isStart) {
      state.startRank = other.startRank;
      put(state, 'startNanos', other.startNanos);
      put(state, 'attempt', other.attempt);
      put(state, 'service', other.service ?? state.service);
    } else setOnce(state, 'service', other.service);
    if (isEnd) {
      state.endRank = other.endRank;
      put(state, 'status', other.status);
      put(state, 'endNanos', other.endNanos);
      put(state, 'durationSeconds', other.durationSeconds);
      put(state, 'errorType', other.errorType);
      put(state, 'label', other.label ?? state.label);
    }
    if (other.outputs.length > 0 && (isEnd || state.outputs.length === 0)) state.outputs = other.outputs;
    if (other.progress !== undefined && other.progressNanos >= state.progressNanos) {
      state.progress = other.progress;
      state.progressNanos = other.progressNanos;
    }
  }

  /** @param nowMs epoch milliseconds: decides whether an open run is still running */
  row(nowMs: number): JobRow {
    const { state } = this;
    return {
      job_id: this.jobId,
      run: this.run,
      operation: state.operation ?? 'unknown',
      label: state.label ?? null,
      status: state.status ?? (nowMs - Number(state.lastNanos / NANOS_PER_MS) < OPEN_MS ? 'running' : 'unknown'),
      attempt: state.attempt ?? null,
      started_at: instant(state.startNanos),
      ended_at: instant(state.endNanos),
      duration_seconds: state.durationSeconds ?? null,
      outputs: state.outputs,
      error_type: state.errorType ?? null,
      progress: state.progress ?? null,
      service: state.service ?? null,
    };
  }

  #hear(nanos: bigint): void {
    if (nanos <= 0n) return;
    const { state } = this;
    if (state.firstNanos === undefined || nanos < state.firstNanos) state.firstNanos = nanos;
    if (nanos > state.lastNanos) state.lastNanos = nanos;
  }

  #begin({ attributes, resource }: DecodedRecord, nanos: bigint): void {
    const { state } = this;
    state.startRank = 2;
    state.startNanos = nanos;
    put(state, 'attempt', numberOf(attributes[ATTR.TASK_ATTEMPT]));
    put(state, 'service', serviceOf(resource.attributes) ?? state.service);
    if (state.endRank < 3) this.#takeOutputs(attributes);
  }

  #end(attributes: DecodedAttributes, nanos: bigint, rank: number): void {
    const { state } = this;
    if (rank <= state.endRank) return;
    state.endRank = rank;
    const status = attributes[ATTR.TASK_STATUS];
    state.status = isTaskStatus(status) ? status : rank === 2 ? 'orphaned' : 'unknown';
    state.endNanos = nanos;
    put(state, 'durationSeconds', finiteOf(attributes[ATTR.TASK_DURATION]));
    put(state, 'errorType', textOf(attributes[ATTR.ERROR_TYPE]));
    put(state, 'label', textOf(attributes[ATTR.TASK_LABEL]) ?? state.label);
    this.#takeOutputs(attributes);
  }

  #advance(value: DecodedValue | undefined, nanos: bigint): void {
    const progress = finiteOf(value);
    if (progress === undefined || nanos < this.state.progressNanos) return;
    this.state.progress = Math.min(1, Math.max(0, progress));
    this.state.progressNanos = nanos;
  }

  #takeOutputs(attributes: DecodedAttributes): void {
    const outputs = attributes[ATTR.TASK_OUTPUTS];
    if (Array.isArray(outputs)) this.state.outputs = outputs.filter((output) => typeof output === 'string');
    else if (typeof outputs === 'string') this.state.outputs = [outputs];
  }
}

function setOnce<K extends keyof RunState>(state: RunState, key: K, value: RunState[K] | undefined): void {
  if (value !== undefined && state[key] === undefined) state[key] = value;
}

/** A key without a value is not there. */
function put<K extends keyof RunState>(state: Partial<RunState>, key: K, value: RunState[K] | undefined): void {
  if (value === undefined) delete state[key];
  else state[key] = value;
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
