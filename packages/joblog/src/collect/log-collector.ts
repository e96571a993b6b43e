import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { EVENT, SEVERITY, type TaskStatus } from '@taskspan/core';
import { exceptionAttributes } from '@taskspan/core/hub';
import { JobLogWriter } from '../job-log-writer.ts';
import type { RunFilesPerHour } from '../run-files.ts';
import { type CollectedOutcome, CollectedRun, type CollectedRunOptions } from './collected-run.ts';
import { OUTPUT_STREAMS, OutputLog, type OutputStream } from './output-log.ts';
import { exitOf } from './process-exit.ts';

export interface LogCollectorOptions {
  /** Absolute logs folder; made when the first line is written. */
  readonly logs: string;
  /** `service.name` of the runs; default `taskspan`. */
  readonly service?: string | undefined;
  /** Further attributes of the resource. */
  readonly resource?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Files of their own that runs get per UTC hour; default 10 000, 0: all share one. */
  readonly runFilesPerHour?: RunFilesPerHour | undefined;
}

/**
 * Pieces of a stream: bytes, or texts. What a `Readable` gives may be cut anywhere; of any other source each text is one
 * or more whole lines, with or without the last newline.
 */
export type LineSource = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/**
 * All of a stream at once, one stream, those of a process by their names, or the `ChildProcess` itself: then the run
 * ends as the process does.
 */
export type CollectSource = string | Uint8Array | LineSource | Partial<Record<OutputStream, LineSource | null>>;

export interface CollectOptions extends CollectedRunOptions {
  /** Log lines in a second above which further ones are dropped, and counted in the log. Default: no limit. */
  readonly maxLinesPerSecond?: number | undefined;
  /**
   * Asked when the stream has ended; without it, what the stream told counts, else the exit of the `ChildProcess` that
   * was given, else `success`. A process that fails after it has told a success has failed.
   */
  readonly outcome?: (() => CollectedOutcome | Promise<CollectedOutcome>) | undefined;
}

/** What became of a stream. */
export interface CollectedResult {
  readonly jobId: string;
  /** `task.run` */
  readonly run: string;
  /** Path below the logs folder, without ending. */
  readonly file: string;
  readonly status: TaskStatus;
  readonly errorType: string | undefined;
}

/**
 * Writes what streams of lines tell of runs into the files of these runs: the output of programs that nobody wraps, of
 * job wrappers in any language, of sockets, files and pipes. Any number of streams at once; each run has its own file
 * and its own numbers.
 */
export class LogCollector {
  readonly #writer: JobLogWriter;
  readonly #open = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: LogCollectorOptions) {
    const instanceId = randomUUID();
    this.#writer = new JobLogWriter({
      directory: options.logs,
      instanceId,
      runFilesPerHour: options.runFilesPerHour,
      resource: {
        attributes: {
          'service.name': options.service ?? 'taskspan',
          ...options.resource,
          'service.instance.id': instanceId,
        },
      },
    });
  }

  /**
   * Reads a stream to its end, waits for the process if it is one, and writes the run's file. A line that is a job log entry is what it says, lifecycle events
   * included; events and the manifest get the label; any other line is a log line. A stream that breaks ends the run as
   * a failure, with all that came before.
   *
   * @param jobRunId id of the run
   * @returns when all of it is on disk
   * @throws Error (as a rejection) when the collector is closed; nothing else: also an `outcome` that throws is a failure
   */
  async collect(jobRunId: string, source: CollectSource, options: CollectOptions = {}): Promise<CollectedResult> {
    if (this.#isClosed) throw new Error('the log collector is closed');
    const collecting = this.#collect(jobRunId, source, options);
    this.#open.add(collecting);
    try {
      return await collecting;
    } finally {
      this.#open.delete(collecting);
    }
  }

  /** Resolves when the streams that are being collected have ended, and all is on disk. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#open);
    await this.#writer.shutdown();
  }

  async #collect(jobRunId: string, source: CollectSource, options: CollectOptions): Promise<CollectedResult> {
    const writer = this.#writer;
    const run = new CollectedRun(jobRunId, options, {
      sink: writer.recordSink,
      nameFor: (id, startTimeMs) => writer.fileNamer(id, startTimeMs),
    });
    const exiting = exitOf(source);
    const { label, maxLinesPerSecond } = options;
    const output = new OutputLog(run, { label, maxLinesPerSecond, emitter: run, teller: 'owner' });
    const streams = streamsOf(source);
    const read = await Promise.allSettled(
      OUTPUT_STREAMS.map((stream) => this.#read(output, stream, streams[stream] ?? [])),
    );
    const exit = await exiting;
    output.end();
    if (exit !== undefined) run.exited(exit);
    const broken = read.find(({ status }) => status === 'rejected');
    const told = await toldOutcome(run, () => {
      if (broken?.status === 'rejected') throw broken.reason;
      return options.outcome?.();
    });
    const { status, errorType } = run.end(told, output.manifest);
    await writer.forceFlush();
    return { jobId: run.id, run: run.runId, file: run.file, status, errorType };
  }

  async #read(output: OutputLog, stream: OutputStream, source: LineSource): Promise<void> {
    const isCutAnywhere = source instanceof Readable;
    for await (const piece of source) {
      const isLines = typeof piece === 'string' && !isCutAnywhere && !piece.endsWith('\n');
      output.take(stream, typeof piece === 'string' ? Buffer.from(isLines ? `${piece}\n` : piece) : piece);
      await this.#writer.room();
    }
  }
}

function streamsOf(source: CollectSource): Partial<Record<OutputStream, LineSource | null>> {
  if (typeof source === 'string' || source instanceof Uint8Array) return { stdout: [source] };
  return Symbol.asyncIterator in source || Symbol.iterator in source ? { stdout: source } : source;
}

async function toldOutcome(
  run: CollectedRun,
  ask: () => Promise<CollectedOutcome> | CollectedOutcome | undefined,
): Promise<CollectedOutcome | undefined> {
  try {
    return await ask();
  } catch (error) {
    return failed(run, error);
  }
}

/** The error stands in the log, after all that came before it. */
function failed(run: CollectedRun, error: unknown): CollectedOutcome {
  const attributes = exceptionAttributes(error);
  const { 'exception.type': errorType, 'exception.message': message } = attributes;
  run.emitRecord({
    eventName: EVENT.EXCEPTION,
    severity: SEVERITY.error,
    body: String(message),
    attributes,
    isAlone: true,
  });
  return { status: 'failure', errorType: typeof errorType === 'string' ? errorType : undefined };
}
