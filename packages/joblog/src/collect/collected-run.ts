import { INVALID_SPAN_CONTEXT, type SpanContext } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { ATTR, EVENT, isTaskStatus, SEVERITY, type TaskStatus } from '@taskspan/core';
import {
  type LinesContent,
  monoMs,
  normaliseOperation,
  normaliseTaskId,
  type RecordContent,
  type RecordSink,
  type RunInfo,
  randomRunId,
  uuidv7,
  wallMs,
} from '@taskspan/core/hub';
import { contentOf } from '../entry/entry-content.ts';
import { eventRecord } from './event-record.ts';
import { emitterTo, type RecordEmitter } from './output-log.ts';
import type { PrintedManifest } from './printed-manifest.ts';
import type { ProcessExit } from './process-exit.ts';

/** What is known of a run besides its stream. */
export interface CollectedRunOptions {
  /** What kind of work it is; default `unknown`. */
  readonly operation?: string | undefined;
  /** `job_label` of the events and manifests that name none. */
  readonly label?: string | undefined;
  /** References to what it produces. */
  readonly outputs?: readonly string[] | undefined;
  /** 1 for the first run under its id. */
  readonly attempt?: number | undefined;
}

/** How a run ended. */
export interface CollectedOutcome {
  readonly status: TaskStatus;
  readonly errorType?: string | undefined;
}

export interface CollectedFile {
  /** Writes records, numbered by the run. */
  readonly sink: RecordSink;
  /** `task.file` of a run. */
  nameFor(id: string, startTimeMs: number): string;
}

/**
 * A run of which nothing is known but its stream. It begins with `task.started` and ends with `task.ended` and the
 * manifest; where the stream tells one of the two, that counts, in its place.
 */
export class CollectedRun implements RunInfo, RecordEmitter {
  readonly id: string;
  readonly operation: string;
  readonly runId: string = randomRunId();
  readonly spanContext: SpanContext = INVALID_SPAN_CONTEXT;
  readonly file: string;
  readonly startTimeMs: number = wallMs();
  readonly attempt: number | undefined;
  readonly waitSeconds: number | undefined = undefined;
  readonly fields: Readonly<Record<string, AnyValue>> | undefined = undefined;
  readonly orphan: boolean = false;
  readonly status: TaskStatus | undefined = undefined;
  readonly errorType: string | undefined = undefined;
  readonly durationSeconds: number | undefined = undefined;
  readonly #options: CollectedRunOptions;
  readonly #emitter: RecordEmitter;
  readonly #startMono: number = monoMs();
  #sequence = 0;
  #toldExit: CollectedOutcome | undefined;
  #toldEnd: RecordContent | undefined;
  #processEnd: CollectedOutcome | undefined;

  /** @param id any text; an empty one is replaced by a UUID */
  constructor(id: string, options: CollectedRunOptions, file: CollectedFile) {
    this.id = normaliseTaskId(id) ?? uuidv7(this.startTimeMs);
    this.operation = options.operation === undefined ? 'unknown' : normaliseOperation(options.operation);
    this.attempt = options.attempt;
    this.file = file.nameFor(this.id, this.startTimeMs);
    this.#options = options;
    this.#emitter = emitterTo(file.sink, this);
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  emitLines(content: LinesContent): void {
    this.#start();
    this.#emitter.emitLines(content);
  }

  emitRecord(content: RecordContent): void {
    const { eventName } = content;
    if (eventName === EVENT.ENDED || eventName === EVENT.ORPHANED) {
      this.#toldEnd = content;
      return;
    }
    if (eventName === EVENT.STARTED && this.#sequence === 0) {
      this.#start(content);
      return;
    }
    this.#start();
    if (eventName === EVENT.EXITED) this.#toldExit = exitOutcome(content);
    this.#emitter.emitRecord(content);
  }

  /** The process of this run has ended, or was never launched. Its record is written unless the stream had one. */
  exited({ outcome, record }: ProcessExit): void {
    const { status, errorType } = outcome;
    const isTold = this.#toldExit !== undefined;
    this.#processEnd = { status, errorType };
    if (!isTold) this.emitRecord(record);
  }

  /**
   * Writes how it ended: as its owner says, else as the stream said, else as its process did, else well.
   *
   * @returns the outcome that was written
   */
  end(told: CollectedOutcome | undefined, manifest: PrintedManifest): CollectedOutcome {
    this.#start();
    const toldEnd = endOutcome(this.#toldEnd);
    const isContradicted = toldEnd?.status === 'success' && this.#processEnd?.status === 'failure';
    const isStreamHeard = told === undefined && !isContradicted;
    const streamTold = isStreamHeard ? this.#toldEnd : undefined;
    const outcome = told ??
      (isStreamHeard ? toldEnd : undefined) ??
      this.#processEnd ??
      this.#toldExit ?? { status: 'success' };
    this.#emitter.emitRecord(this.#ended(outcome, streamTold));
    const { outputs, label } = this.#options;
    const times = { startSeconds: this.startTimeMs / 1000, endSeconds: wallMs() / 1000 };
    this.#emitter.emitRecord({ ...manifest.content({ outputs, label, ...times }), isAlone: true });
    return outcome;
  }

  /** Nobody but the reader of its file counts it: no span of it is made. */
  #start(told?: RecordContent): void {
    if (this.#sequence > 0) return;
    const { attempt } = this.#options;
    this.#emitter.emitRecord({
      eventName: EVENT.STARTED,
      severity: SEVERITY.info,
      timeMs: this.startTimeMs,
      isAlone: true,
      ...told,
      attributes: {
        ...this.#facts(),
        ...(attempt === undefined ? {} : { [ATTR.TASK_ATTEMPT]: attempt }),
        ...told?.attributes,
        [ATTR.TASK_METRICS]: 'files',
      },
    });
  }

  #ended({ status, errorType }: CollectedOutcome, told: RecordContent | undefined): RecordContent {
    const seconds = (monoMs() - this.#startMono) / 1000;
    const metadata = {
      [ATTR.TASK_STATUS]: status,
      [ATTR.TASK_DURATION]: String(seconds),
      ...(errorType === undefined ? {} : { [ATTR.ERROR_TYPE]: errorType }),
    };
    const content = eventRecord(contentOf({ event: { event_type: 'ended', job_label: '', metadata } }));
    const attributes = { ...content.attributes, ...this.#facts(), ...told?.attributes };
    return { ...content, ...told, attributes, isAlone: true };
  }

  #facts(): Record<string, AnyValue> {
    const { label, outputs } = this.#options;
    return {
      ...(label === undefined ? {} : { [ATTR.TASK_LABEL]: label }),
      ...(outputs === undefined || outputs.length === 0 ? {} : { [ATTR.TASK_OUTPUTS]: [...outputs] }),
    };
  }
}

function endOutcome(content: RecordContent | undefined): CollectedOutcome | undefined {
  const status = content?.attributes?.[ATTR.TASK_STATUS];
  if (content?.eventName === EVENT.ORPHANED) return { status: 'orphaned' };
  return isTaskStatus(status) ? { status, errorType: textOf(content?.attributes?.[ATTR.ERROR_TYPE]) } : undefined;
}

/** Of a process that tells its exit code, or the signal that ended it. */
function exitOutcome({ attributes }: RecordContent): CollectedOutcome {
  const signal = textOf(attributes?.[ATTR.EXIT_SIGNAL]);
  const code = Number(attributes?.[ATTR.EXIT_CODE] ?? 0);
  if (signal === undefined && code === 0) return { status: 'success' };
  return { status: 'failure', errorType: signal ?? `exit_code_${code}` };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
