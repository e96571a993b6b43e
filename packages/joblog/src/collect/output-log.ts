import type { AnyValue } from '@opentelemetry/api-logs';
import { ATTR, SEVERITY } from '@taskspan/core';
import { emitRecord, type RecordContent, type RunInfo, wallMs } from '@taskspan/core/hub';
import { LineSplitter, type SplitLines } from './line-splitter.ts';
import { PrintedManifest } from './printed-manifest.ts';

/** A chunk with more lines than this is loud: its records share lines of the file. */
const QUIET_LINES = 64;

export const OUTPUT_STREAMS = ['stdout', 'stderr'] as const;

export type OutputStream = (typeof OUTPUT_STREAMS)[number];

export interface OutputLogOptions {
  /** Goes to the events that name no label of their own, as `task.label`. */
  readonly label?: string | undefined;
  /** Log lines a second above which further ones are dropped and counted in the log; default: no limit. */
  readonly maxLinesPerSecond?: number | undefined;
  /** Where records go; default: to the toolkit of this process. */
  readonly emit?: ((run: RunInfo, content: RecordContent) => void) | undefined;
}

/** What one stream of a run has at hand. */
interface StreamState {
  readonly splitter: LineSplitter;
  readonly attributes: Readonly<Record<string, AnyValue>>;
}

/**
 * Turns the output of a run's process into records of the run's log, line by line, in the order of arrival. It holds
 * no more than one unfinished line per stream. No method throws.
 */
export class OutputLog {
  readonly manifest: PrintedManifest = new PrintedManifest();
  readonly #run: RunInfo;
  readonly #emit: (run: RunInfo, content: RecordContent) => void;
  readonly #streams: Readonly<Record<OutputStream, StreamState>> = {
    stdout: { splitter: new LineSplitter(), attributes: { [ATTR.LOG_IOSTREAM]: 'stdout' } },
    stderr: { splitter: new LineSplitter(), attributes: { [ATTR.LOG_IOSTREAM]: 'stderr' } },
  };

  constructor(run: RunInfo, options: OutputLogOptions = {}) {
    this.#run = run;
    this.#emit = options.emit ?? emitRecord;
  }

  /**
   * Takes what the process printed.
   *
   * @param chunk any part of the stream; its memory may be reused afterwards
   */
  take(stream: OutputStream, chunk: Uint8Array): void {
    const state = this.#streams[stream];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#write(state, state.splitter.push(bytes));
  }

  /** Takes the last lines of both streams, which need not have an end. */
  end(): void {
    for (const stream of OUTPUT_STREAMS) {
      const state = this.#streams[stream];
      this.#write(state, state.splitter.end());
    }
  }

  #write({ attributes }: StreamState, { lines }: SplitLines): void {
    const timeMs = wallMs();
    const isAlone = lines.length <= QUIET_LINES;
    for (const body of lines) {
      this.#emit(this.#run, { severity: SEVERITY.info, body, attributes, timeMs, isAlone });
    }
  }
}
