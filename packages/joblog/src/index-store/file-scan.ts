/** What a file tells about runs: its lines into parts. Lines that can tell nothing are not even parsed. */
import { ATTR, EVENT } from '@taskspan/core';
import { safeFileName } from '@taskspan/core/hub';
import type { DecodedRecord, DecodedSpan } from '../decode.ts';
import { batchesOf } from '../reader/line-batches.ts';
import { RunFacts } from '../reader/run-facts.ts';
import type { LineWindow } from './line-window.ts';
import { type RunPart, runKey, SPANS_BELOW } from './run-part.ts';
import { tellingLine } from './telling-records.ts';

const NEWLINE = 10;
const EVENT_KEY = Buffer.from('"eventName"');
/** What {@link RunFacts} learns from; other records only say that the run lives. */
const TELLING_TEXTS: readonly string[] = [EVENT.STARTED, EVENT.ENDED, EVENT.ORPHANED, EVENT.PROGRESS].map(
  (name) => `"${name}"`,
);
const TELLING: readonly Buffer[] = TELLING_TEXTS.map((name) => Buffer.from(name));
const SPANS_KEY = Buffer.from('"resourceSpans"');
const INTERNAL = 1;
const CONSUMER = 5;

export interface FileScanOptions {
  /** Number of the file. */
  readonly file: number;
  /** Without ending. */
  readonly name: string;
  /** What was known of a run of this file; it is changed. */
  readonly known?: ((jobId: string, run: string) => RunPart | undefined) | undefined;
}

export class FileScan {
  /** Offset of the first line that has no end yet. */
  readTo = 0;
  /** Pieces of lines that could not be read. */
  skipped = 0;
  readonly #file: number;
  readonly #name: string;
  readonly #known: (jobId: string, run: string) => RunPart | undefined;
  /** Those of which something was read. */
  readonly #parts = new Map<string, RunPart>();
  /** True while every record counts, because any may be of another run. */
  #isWhole = false;
  /** The last line of an own file, as long as nobody has looked at it: it says how long an open run has lived. */
  #last: { readonly text: string; readonly offset: number } | undefined;

  constructor({ file, name, known = () => undefined }: FileScanOptions) {
    this.#file = file;
    this.#name = name;
    this.#known = known;
  }

  /** Takes the lines of a window; windows come in the order of the file. */
  add({ bytes, offset }: LineWindow): void {
    if (bytes[bytes.length - 1] === NEWLINE) this.readTo = offset + bytes.length;
    else this.readTo = offset + bytes.lastIndexOf(NEWLINE) + 1;
    let at = 0;
    // The first line says whose the file is.
    if (this.#parts.size === 0 && !this.#name.startsWith('_')) {
      const end = this.#takeLine(bytes, 0, offset);
      if (this.#isOwn()) at = end;
    }
    this.#isWhole = !this.#isOwn();
    if (!this.#isWhole) this.#takeTelling(bytes, at, offset);
    else while (at < bytes.length) at = this.#takeLine(bytes, at, offset);
    this.#isWhole = false;
  }

  /** The parts, after the last window. */
  end(): readonly RunPart[] {
    const parts = [...this.#parts.values()];
    if (this.#last !== undefined && parts.some(isOpen)) this.#take(this.#last.text, this.#last.offset);
    this.#last = undefined;
    if (!this.#isOwn()) return parts;
    // Any line may be of any of the attempts.
    for (const part of parts) {
      part.from = 0;
      part.to = Math.max(part.to, this.readTo);
    }
    return parts;
  }

  /** True for a file that runs of one id have for themselves. */
  #isOwn(): boolean {
    if (this.#name.startsWith('_')) return false;
    for (const { jobId } of this.#parts.values()) if (safeFileName(jobId) !== this.#name) return false;
    return this.#parts.size > 0;
  }

  /** Takes the lines that may change what is known, from `start` on. */
  #takeTelling(bytes: Buffer, start: number, offset: number): void {
    let at = start;
    for (let hit = bytes.indexOf(EVENT_KEY, at); hit >= 0; hit = bytes.indexOf(EVENT_KEY, at)) {
      at = hit + EVENT_KEY.length;
      if (!isTelling(bytes, at)) continue;
      const lineAt = lineStart(bytes, hit);
      this.#takeSpans(bytes.subarray(start, lineAt), offset + start);
      start = this.#takeLine(bytes, lineAt, offset);
      at = start;
    }
    this.#takeSpans(bytes.subarray(start), offset + start);
    if (start < bytes.length) {
      const lastAt = lineStart(bytes, bytes.length - 1);
      this.#last = { text: bytes.toString('utf8', lastAt), offset: offset + lastAt };
    } else this.#last = undefined;
  }

  /** Takes the lines with spans, while there is a run that nobody has said the end of. */
  #takeSpans(bytes: Buffer, offset: number): void {
    for (let at = bytes.indexOf(SPANS_KEY); at >= 0; at = bytes.indexOf(SPANS_KEY, at)) {
      if (![...this.#parts.values()].some(isOpen)) return;
      at = this.#takeLine(bytes, lineStart(bytes, at), offset);
    }
  }

  /** @returns where the next line begins */
  #takeLine(bytes: Buffer, at: number, offset: number): number {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    this.#take(bytes.toString('utf8', at, end), offset + at, offset + end);
    return end;
  }

  #take(text: string, from: number, to: number = from + Buffer.byteLength(text)): void {
    const { records, spans, skipped } = batchesOf(this.#isWhole ? text : tellingLine(text, isTellingRecord));
    // Half a line at the end of a file may become a whole one.
    if (text.endsWith('\n')) this.skipped += skipped;
    for (const record of records) this.#takeRecord(record, from, to);
    for (const span of spans) this.#takeSpan(span, from, to);
  }

  #takeRecord(record: DecodedRecord, from: number, to: number): void {
    const { [ATTR.TASK_ID]: jobId, [ATTR.TASK_RUN]: run } = record.attributes;
    if (typeof jobId !== 'string' || jobId === '') return;
    const part = this.#part({ jobId, run: typeof run === 'string' ? run : '', from, to });
    new RunFacts(part.jobId, part.run, part.state).add(record);
  }

  /** Of spans, only that of the run itself tells something. Of the others it is noted where they stand among other jobs'. */
  #takeSpan(span: DecodedSpan, from: number, to: number): void {
    const { [ATTR.TASK_ID]: jobId, [ATTR.OPERATION]: operation } = span.attributes;
    if (typeof jobId !== 'string' || jobId === '') return;
    if (typeof operation !== 'string' || (span.kind !== INTERNAL && span.kind !== CONSUMER)) {
      if (this.#isWhole) this.#part({ jobId, run: SPANS_BELOW, from, to });
      return;
    }
    const part = this.#part({ jobId, run: span.spanId, from, to });
    new RunFacts(part.jobId, part.run, part.state).addSpan(span);
  }

  #part({ jobId, run, from, to }: Pick<RunPart, 'jobId' | 'run' | 'from' | 'to'>): RunPart {
    const key = runKey(jobId, run);
    const known = this.#parts.get(key) ?? this.#known(jobId, run);
    if (known !== undefined) {
      this.#parts.set(key, known);
      known.from = Math.min(known.from, from);
      known.to = Math.max(known.to, to);
      return known;
    }
    const { state } = new RunFacts(jobId, run);
    const part = { file: this.#file, jobId, run, from, to, state };
    this.#parts.set(key, part);
    return part;
  }
}

export function isOpen({ run, state }: RunPart): boolean {
  return state.status === undefined && run !== SPANS_BELOW;
}

/** As text: a record may have another event's name in a text, and is kept in vain. */
function isTellingRecord(record: string): boolean {
  return TELLING_TEXTS.some((name) => record.includes(name));
}

/** @param at after the key `eventName` */
function isTelling(bytes: Buffer, at: number): boolean {
  let value = at;
  while (isSpaceOrColon(bytes[value])) value += 1;
  return TELLING.some(
    (name) => bytes.compare(name, 0, name.length, value, Math.min(bytes.length, value + name.length)) === 0,
  );
}

function isSpaceOrColon(byte: number | undefined): boolean {
  return byte === 0x3a || byte === 0x20 || byte === 0x09;
}

function lineStart(bytes: Buffer, at: number): number {
  // A newline at `at` itself ends the line.
  return at === 0 ? 0 : bytes.lastIndexOf(NEWLINE, at - 1) + 1;
}
