import type { AnyValue } from '@opentelemetry/api-logs';
import { ATTR, SEVERITY } from '@taskspan/core';
import {
  emitLines,
  emitRecord,
  type LinesContent,
  monoMs,
  type RecordContent,
  type RecordSink,
  type RunInfo,
  runLines,
  runRecord,
  tellLines,
  wallMs,
} from '@taskspan/core/hub';
import { contentOf, type Teller } from '../entry/entry-content.ts';
import { type ParsedEntry, parseEntryLine } from '../entry/entry-line.ts';
import { severityOfLevel } from '../entry/level.ts';
import { toldContent } from '../entry/told-content.ts';
import { eventRecord } from './event-record.ts';
import { type CutLine, fitted } from './held-line.ts';
import { LineBudget } from './line-budget.ts';
import { LineSplitter, type Lines, lineOf } from './line-splitter.ts';
import { readLoggerLine } from './logger-line.ts';
import { PlainLevels } from './plain-level.ts';
import { PrintedManifest } from './printed-manifest.ts';
import { hasMoreValues } from './value-count.ts';

/** A chunk with more lines than this is loud: its records share lines of the file. */
const QUIET_LINES = 64;
/** With more than so many values, a line of 1 MiB is no record of that length: as text, all of it is kept. */
const MOST_VALUES = 10_000;
const BRACE = 0x7b;
const SPACE = 0x20;

export const OUTPUT_STREAMS = ['stdout', 'stderr'] as const;

export type OutputStream = (typeof OUTPUT_STREAMS)[number];

export interface OutputLogOptions {
  /** Goes to the events that name no label of their own, as `task.label`. */
  readonly label?: string | undefined;
  /**
   * Log lines in a second above which further ones are dropped, and counted in the log itself; metrics, events and
   * manifests never are. Default: no limit.
   */
  readonly maxLinesPerSecond?: number | undefined;
  /** Where records go; default: to the toolkit of this process. It must not throw. */
  readonly emitter?: RecordEmitter | undefined;
  /**
   * Whose word entries are: those of a program cannot say how its run stands, those of the run's owner do. Default:
   * program.
   */
  readonly teller?: Teller | undefined;
}

/** Takes what the lines of a run become. */
export interface RecordEmitter {
  emitRecord(content: RecordContent): void;
  emitLines(content: LinesContent): void;
}

/** Hands records to a sink. */
export function emitterTo(sink: RecordSink, run: RunInfo): RecordEmitter {
  return {
    emitRecord: (content) => sink(runRecord(run, content)),
    emitLines: (content) => tellLines(sink, runLines(run, content)),
  };
}

type Attributes = Readonly<Record<string, AnyValue>>;

/** What is made of one stream. */
interface StreamState {
  readonly splitter: LineSplitter;
  readonly attributes: Attributes;
  /** What the texts of plain lines say, where they may say a level: on stderr all kinds of lines are. */
  readonly levels: PlainLevels | undefined;
}

/** When the lines of a chunk came, and how they stand in the file. */
interface Arrival {
  readonly timeMs: number;
  readonly isAlone: boolean;
}

/**
 * Turns the output of a run's processes into records of the run's log, line by line, in the order of arrival: an entry
 * is what it says, a line of a JSON logger has its level and fields, any other is a log line. It holds no more than one
 * unfinished line per stream. No method throws.
 */
export class OutputLog {
  /** What the processes said of their inputs and outputs; the owner of the run writes it, as its last record. */
  readonly manifest: PrintedManifest = new PrintedManifest();
  readonly #emitter: RecordEmitter;
  readonly #options: OutputLogOptions;
  readonly #streams: Readonly<Record<OutputStream, StreamState>> = {
    stdout: {
      splitter: new LineSplitter(),
      attributes: { [ATTR.LOG_IOSTREAM]: 'stdout' },
      levels: undefined,
    },
    stderr: {
      splitter: new LineSplitter(),
      attributes: { [ATTR.LOG_IOSTREAM]: 'stderr' },
      levels: new PlainLevels(),
    },
  };
  readonly #budget: LineBudget | undefined;
  #dropped = 0;
  #reportTimer: NodeJS.Timeout | undefined;

  constructor(run: RunInfo, options: OutputLogOptions = {}) {
    this.#emitter = options.emitter ?? {
      emitRecord: (content) => emitRecord(run, content),
      emitLines: (content) => emitLines(run, content),
    };
    this.#options = options;
    const { maxLinesPerSecond: most } = options;
    this.#budget = most === undefined || !(most > 0 && most < Infinity) ? undefined : new LineBudget(most);
  }

  /**
   * Takes what a process printed.
   *
   * @param chunk any part of the stream; its memory may be reused afterwards
   */
  take(stream: OutputStream, chunk: Uint8Array): void {
    const state = this.#streams[stream];
    const timeMs = wallMs();
    this.#refill();
    for (const { held, lines } of state.splitter.push(asBuffer(chunk))) {
      const arrival = { timeMs, isAlone: lines === undefined || lines.texts.length <= QUIET_LINES };
      if (held !== undefined) this.#held(state, held, arrival);
      if (lines !== undefined) this.#lines(state, lines, arrival);
    }
  }

  /** Takes the last line of both streams, or of one, which need not have an end. */
  end(streams: readonly OutputStream[] = OUTPUT_STREAMS): void {
    const arrival = { timeMs: wallMs(), isAlone: true };
    this.#refill();
    for (const stream of streams) {
      const state = this.#streams[stream];
      const line = state.splitter.end();
      if (line !== undefined) this.#held(state, line, arrival);
    }
    this.#reportDropped();
  }

  #held(state: StreamState, line: CutLine, arrival: Arrival): void {
    // JSON may be longer than a text: its quotes need no escape in the record that it becomes.
    if (line.cutBytes === 0 && looksLikeObject(line.text) && this.#json(state, line.text, arrival)) return;
    const { text, cutBytes } = fitted(line);
    if (cutBytes === 0) {
      this.#lines(state, { ...lineOf(text), mayBeJson: false }, arrival);
      return;
    }
    const attributes = { ...state.attributes, [ATTR.TRUNCATED_BYTES]: cutBytes };
    this.#lines({ ...state, attributes }, { ...lineOf(`${text}…[cut ${cutBytes} bytes]`), mayBeJson: false }, arrival);
  }

  #lines(state: StreamState, lines: Lines, arrival: Arrival): void {
    if (!lines.mayBeJson && state.levels === undefined && this.#budget === undefined) {
      this.#plain(lines, { severity: SEVERITY.info, attributes: state.attributes, ...arrival });
      return;
    }
    let severity: number = SEVERITY.info;
    let texts: string[] = [];
    const flush = (): void => {
      if (texts.length > 0) this.#plain({ ...lines, texts }, { severity, attributes: state.attributes, ...arrival });
      texts = [];
    };
    for (const text of lines.texts) {
      if (lines.mayBeJson && looksLikeObject(text)) {
        flush();
        if (this.#json(state, text, arrival)) {
          state.levels?.interrupt();
          continue;
        }
      }
      const level = state.levels?.of(text);
      if (this.#isOverBudget()) continue;
      const own = level === undefined ? SEVERITY.info : severityOfLevel(level);
      if (own !== severity) flush();
      severity = own;
      texts.push(text);
    }
    flush();
  }

  /** Log lines that are no more than their text. */
  #plain({ texts, isAscii, isPlain }: Lines, content: Arrival & Pick<RecordContent, 'severity' | 'attributes'>): void {
    const { severity, attributes, timeMs, isAlone } = content;
    this.#emitter.emitLines({ texts, isAscii, isPlain, severity, attributes, timeMs, isAlone });
  }

  /** False for JSON that nobody meant for us: that is text. */
  #json(state: StreamState, text: string, arrival: Arrival): boolean {
    const entry = parseEntryLine(text);
    if (entry !== undefined) {
      if (entry.manifest === undefined && holdsTooMuch(text, entry)) return false;
      this.#entry(state, entry, arrival);
      return true;
    }
    const line = readLoggerLine(text);
    if (line === undefined || holdsTooMuch(text, line.attributes)) return false;
    if (this.#isOverBudget()) return true;
    this.#emitter.emitRecord({
      severity: severityOfLevel(line.level),
      body: line.message,
      attributes: { ...line.attributes, ...state.attributes },
      timeMs: arrival.timeMs,
      isAlone: arrival.isAlone,
    });
    return true;
  }

  #entry(state: StreamState, entry: ParsedEntry, { timeMs, isAlone }: Arrival): void {
    if (entry.manifest !== undefined) {
      this.manifest.merge(entry.manifest);
      return;
    }
    if (entry.log !== undefined && this.#isOverBudget()) return;
    const content = this.#options.teller === 'owner' ? ownerContent(entry) : toldContent(entry);
    const { label } = this.#options;
    const needsLabel = entry.event !== undefined && label !== undefined && entry.event.job_label === '';
    const more = entry.log === undefined ? needsLabel && { [ATTR.TASK_LABEL]: label } : state.attributes;
    const attributes = more === false ? content.attributes : { ...content.attributes, ...more };
    const { eventName, severity, body, timeNanos } = content;
    this.#emitter.emitRecord({ eventName, severity, body, attributes, timeMs, timeNanos, isAlone });
  }

  #isOverBudget(): boolean {
    if (this.#budget === undefined || this.#budget.spend()) return false;
    this.#dropped += 1;
    // A run that falls silent now still says what is missing.
    this.#reportTimer ??= setTimeout(() => this.#nextSecond(), this.#budget.waitMs(monoMs())).unref();
    return true;
  }

  /** A timer may come a moment before the second is over by another clock. */
  #nextSecond(): void {
    this.#budget?.begin(monoMs());
    this.#reportDropped();
  }

  #refill(): void {
    if (this.#budget?.refill(monoMs()) === true) this.#reportDropped();
  }

  #reportDropped(): void {
    clearTimeout(this.#reportTimer);
    this.#reportTimer = undefined;
    if (this.#dropped === 0 || this.#budget === undefined) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#emitter.emitRecord({
      severity: SEVERITY.warn,
      body: `${dropped} ${dropped === 1 ? 'line' : 'lines'} dropped: more than ${this.#budget.perSecond} in a second`,
      attributes: { [ATTR.DROPPED_LINES]: dropped },
      isAlone: true,
    });
  }
}

function looksLikeObject(text: string): boolean {
  const first = text.charCodeAt(0);
  return first === BRACE || (first <= SPACE && text.trimStart().charCodeAt(0) === BRACE);
}

/** A value takes at least two characters: short texts need no look. */
function holdsTooMuch(text: string, value: unknown): boolean {
  return text.length > 2 * MOST_VALUES && hasMoreValues(value, MOST_VALUES);
}

function ownerContent(entry: ParsedEntry): RecordContent {
  const outputs = entry.outputs.map(({ str }) => str);
  const content = eventRecord(contentOf(entry));
  return {
    ...content,
    attributes: outputs.length === 0 ? content.attributes : { ...content.attributes, [ATTR.TASK_OUTPUTS]: outputs },
    timeNanos: entry.timeNanos === undefined ? undefined : String(entry.timeNanos),
  };
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
