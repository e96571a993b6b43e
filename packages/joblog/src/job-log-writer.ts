import { context, diag, ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ATTR } from '@taskspan/core';
import {
  logRecordSize,
  type RecordSink,
  type ResourceLike,
  type RunLines,
  type RunRecord,
  runLinesSize,
  runRecordSize,
  spanSize,
} from '@taskspan/core/hub';
import {
  type AppendBatch,
  appendsOf,
  BatchBuilder,
  type BytesAppend,
  recycle,
  type TextAppend,
} from './append-batch.ts';
import { AppendThread, type LeftBatches } from './append-thread.ts';
import type { Append, AppenderOptions } from './appender.ts';
import { DirectWriter } from './direct-writer.ts';
import { DiskEpisode } from './disk-episode.ts';
import { countLostBatch } from './lost-lines.ts';
import { endsRun, PendingItems, refuse } from './pending-items.ts';
import { RunFiles, type RunFilesPerHour } from './run-files.ts';

const MIB = 1024 * 1024;
/** From a run's end to its flush: with formatting and writing, its lines are on disk in less than 100 ms. */
const END_DELAY_MS = 50;
/** Longest time that anything waits. */
const IDLE_DELAY_MS = 1000;
/** Starting a thread to write less than this costs more than the writing. */
const THREAD_WORTH_BYTES = 64 * 1024;
/** The main thread waits for a slow disk while that moves, then goes on and counts what it drops. */
const OVERFLOW_WAIT = { stallMs: 250, timeoutMs: 5000 };
const DEFAULT_FLUSH_SYNC_MS = 3000;

/** Timers captured before an application's test replaces them by fake ones. */
const { setTimeout, clearTimeout } = globalThis;

export interface JobLogWriterOptions {
  /** Absolute logs folder; made when the first line is written. */
  readonly directory: string;
  /** Resource of the records of runs; spans and log records bring their own. */
  readonly resource: ResourceLike;
  /** `service.instance.id`; its first 8 digits name the shared files. */
  readonly instanceId: string;
  /** Files of their own that runs get per UTC hour; default 10 000, 0: all share one. */
  readonly runFilesPerHour?: RunFilesPerHour | undefined;
  /** Descriptors kept open; default 512. */
  readonly maxOpenFiles?: number | undefined;
  /** Share of free bytes and inodes below which writing pauses; default 0.05, 0 never. */
  readonly minFreeRatio?: number | undefined;
  /** Estimated bytes of waiting records that are formatted at once; default 8 MiB. */
  readonly maxPendingBytes?: number | undefined;
  /** Bytes handed to the writing thread and not yet written; default 16 MiB. */
  readonly maxInFlightBytes?: number | undefined;
  /** Whether a thread may be started to write; default true. Without one, `writeNow` is quick and start-up costs nothing. */
  readonly thread?: boolean | undefined;
}

/** How far the timer is: a run's end makes it come sooner. */
const NO_TIMER = 0;
const SLOW_TIMER = 1;
const FAST_TIMER = 2;

/**
 * Writes the log records and spans of runs to one file per run. On the path of a task a record is only queued; it is
 * formatted at the next flush and written by a thread of its own. No method throws.
 */
export class JobLogWriter {
  readonly #maxPendingBytes: number;
  readonly #maxInFlightBytes: number;
  readonly #appenderOptions: AppenderOptions;
  readonly #files: RunFiles;
  readonly #pending: PendingItems;
  readonly #disk: DiskEpisode;
  readonly #direct: DirectWriter;
  #thread: AppendThread | undefined;
  #threadFailed = false;
  #immediate = false;
  #isFormatting = false;
  #sequence = 0;
  #pendingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerKind = NO_TIMER;

  constructor(options: JobLogWriterOptions) {
    const { directory, instanceId, resource } = options;
    this.#maxPendingBytes = options.maxPendingBytes ?? 8 * MIB;
    this.#maxInFlightBytes = options.maxInFlightBytes ?? 16 * MIB;
    this.#appenderOptions = {
      directory,
      maxOpenFiles: options.maxOpenFiles ?? 512,
      minFreeRatio: options.minFreeRatio ?? 0.05,
    };
    this.#files = new RunFiles(instanceId, options.runFilesPerHour ?? 10_000);
    this.#pending = new PendingItems(this.#files, resource);
    this.#threadFailed = options.thread === false;
    this.#disk = new DiskEpisode(directory);
    this.#direct = new DirectWriter(this.#appenderOptions, this.#disk);
  }

  /** Takes a record of a run. */
  sink(record: RunRecord): void {
    try {
      const bytes = runRecordSize(record);
      this.#pending.addRecord(record);
      this.#queued(bytes, endsRun(record) ? FAST_TIMER : SLOW_TIMER);
    } catch (error) {
      refuse('logs', error);
    }
  }

  /** Takes records of a run for many lines at once. */
  takeLines(lines: RunLines): void {
    try {
      this.#pending.addLines(lines);
      this.#queued(runLinesSize(lines), SLOW_TIMER);
    } catch (error) {
      refuse('logs', error);
    }
  }

  /** For `state.sinks`: `sink` and `takeLines` of this writer. */
  get recordSink(): RecordSink {
    return Object.assign((record: RunRecord): void => this.sink(record), {
      takeLines: (lines: RunLines): void => this.takeLines(lines),
    });
  }

  /** Takes a span that ended; one that is not sampled is not written. */
  onSpanEnd(span: ReadableSpan): void {
    try {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
      const bytes = spanSize(span);
      this.#pending.addSpan(span);
      this.#queued(bytes, span.attributes[ATTR.TASK_STATUS] === undefined ? SLOW_TIMER : FAST_TIMER);
    } catch (error) {
      refuse('spans', error);
    }
  }

  /** Takes a log record of the application, stamped with its run if it has one. */
  onLog(record: ReadableLogRecord): void {
    try {
      const bytes = logRecordSize(record);
      this.#pending.addLog(record);
      this.#queued(bytes, SLOW_TIMER);
    } catch (error) {
      refuse('logs', error);
    }
  }

  /** `task.file` of a run that starts, for `state.fileNamer`. */
  fileNamer(id: string, startTimeMs: number): string {
    return this.#files.nameFor(id, startTimeMs);
  }

  /** Resolves when all that was taken before is on disk, or counted as lost. */
  async forceFlush(): Promise<void> {
    if (this.#thread === undefined && this.#pendingBytes < THREAD_WORTH_BYTES) this.#flushDirect();
    else this.#flush();
    await this.#thread?.drained();
  }

  /**
   * Writes all that waits, in the calling thread, for exit handlers; afterwards every record is written at once.
   *
   * @param timeoutMs longest time to wait for what the thread has in hand; what it cannot write is counted
   */
  flushSync(timeoutMs: number = DEFAULT_FLUSH_SYNC_MS): void {
    this.#immediate = true;
    const thread = this.#thread;
    if (thread !== undefined) {
      if (!thread.waitUntilBelow(0, { stallMs: timeoutMs, timeoutMs })) {
        this.#countLeft(thread.stop());
      }
    }
    this.#flushDirect();
  }

  /**
   * For who can wait instead of losing something to a slow disk.
   *
   * @returns undefined while there is room for more; else what resolves when there is
   */
  room(): Promise<void> | undefined {
    const thread = this.#thread;
    if (thread === undefined || this.#pendingBytes + thread.bytesInFlight < this.#maxInFlightBytes / 2)
      return undefined;
    return thread.drained();
  }

  /**
   * Writes all that waits, in the calling thread, before it returns: afterwards it is in the files even if this process
   * is killed. Meant for a writer without a thread; else what the thread has in hand is waited for.
   */
  writeNow(): void {
    this.#thread?.waitUntilBelow(0, OVERFLOW_WAIT);
    this.#flushDirect();
  }

  /** Writes all that waits and ends the thread; what comes later is written at once. */
  async shutdown(): Promise<void> {
    await this.forceFlush();
    this.#immediate = true;
    this.#flushDirect();
    const thread = this.#thread;
    this.#thread = undefined;
    this.#threadFailed = true;
    await thread?.end();
    this.#direct.close();
  }

  #queued(bytes: number, kind: number): void {
    this.#pendingBytes += bytes;
    // A getter that is read while formatting may log: that record waits for the next flush.
    if (this.#isFormatting) {
      if (this.#timerKind < kind) this.#arm(kind);
    } else if (this.#pendingBytes > this.#maxPendingBytes) this.#flush();
    else if (this.#immediate) this.#flushDirect();
    else if (this.#timerKind < kind) this.#arm(kind);
  }

  #arm(kind: number): void {
    clearTimeout(this.#timer);
    this.#timerKind = kind;
    // A timer keeps the context in which it was set: that of no run, here.
    this.#timer = context.with(ROOT_CONTEXT, () =>
      setTimeout(() => this.#flush(), kind === FAST_TIMER ? END_DELAY_MS : IDLE_DELAY_MS),
    );
    this.#timer.unref();
  }

  #disarm(): void {
    if (this.#timerKind === NO_TIMER) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerKind = NO_TIMER;
  }

  /** Formats what waits and hands it to the thread. */
  #flush(): void {
    if (this.#immediate || this.#threadFailed) {
      this.#flushDirect();
      return;
    }
    for (const batch of this.#takeBatches()) {
      const thread = this.#immediate ? undefined : this.#startedThread();
      if (thread === undefined) this.#writeDirect(batch);
      else this.#post(thread, batch);
    }
  }

  #post(thread: AppendThread, batch: AppendBatch): void {
    const room = Math.max(0, this.#maxInFlightBytes - batch.bytes);
    const hasRoom = thread.bytesInFlight <= room || thread.waitUntilBelow(room, OVERFLOW_WAIT);
    // It may have turned out meanwhile that there is no thread.
    if (this.#thread !== thread) this.#writeDirect(batch);
    else if (hasRoom) thread.post(batch);
    else countLostBatch(batch, 0, 'overflow');
  }

  /** Formats what waits and writes it in the calling thread, without any detour. */
  #flushDirect(): void {
    this.#direct.write(asBytes(this.#takeAppends()));
  }

  /** Batches are made one by one: what is formatted becomes bytes at once, and nothing of it grows old. */
  *#takeBatches(): Generator<AppendBatch> {
    let builder: BatchBuilder | undefined;
    for (const append of this.#takeAppends()) {
      if (builder?.add(append)) continue;
      if (builder !== undefined) yield this.#numbered(builder);
      builder = new BatchBuilder(append);
      builder.add(append);
    }
    if (builder !== undefined) yield this.#numbered(builder);
  }

  *#takeAppends(): Generator<TextAppend | BytesAppend> {
    this.#disarm();
    this.#pendingBytes = 0;
    this.#isFormatting = true;
    try {
      yield* this.#pending.take();
    } finally {
      this.#isFormatting = false;
    }
  }

  #numbered(builder: BatchBuilder): AppendBatch {
    this.#sequence += 1;
    return builder.finish(this.#sequence);
  }

  #writeDirect(batch: AppendBatch, skip = 0): void {
    this.#direct.write(appendsOf(batch, skip));
    recycle(batch.memory);
  }

  #countLeft({ batches, skip }: LeftBatches): void {
    batches.forEach((batch, at) => {
      countLostBatch(batch, at === 0 ? skip : 0, 'disk');
    });
  }

  /** The thread, started now if need be; undefined where there can be none. */
  #startedThread(): AppendThread | undefined {
    if (this.#thread !== undefined || this.#threadFailed) return this.#thread;
    // What was written directly before is closed: from now on the thread holds the descriptors.
    this.#direct.close();
    try {
      this.#thread = new AppendThread(this.#appenderOptions, {
        onLost: (logs, spans) => this.#disk.lost(logs, spans),
        onBatch: (failureCode) => this.#disk.batch(failureCode),
        onGone: (left) => {
          this.#giveUpThread();
          left.batches.forEach((batch, at) => {
            this.#writeDirect(batch, at === 0 ? left.skip : 0);
          });
        },
      });
    } catch {
      // The permission model, or a bundle without the worker's file: the main thread writes, only slower.
      this.#giveUpThread();
    }
    return this.#thread;
  }

  #giveUpThread(): void {
    this.#thread = undefined;
    this.#threadFailed = true;
    diag.debug('taskspan: job logs are written by the main thread: no worker thread can run here');
  }
}

function* asBytes(appends: Iterable<TextAppend | BytesAppend>): Generator<Append> {
  for (const append of appends) {
    const { file, isNew, isLast } = append;
    const lines = 'bytes' in append ? append.bytes : Buffer.from(append.text, append.isAscii ? 'latin1' : 'utf8');
    yield { file, lines, isNew, isLast };
  }
}
