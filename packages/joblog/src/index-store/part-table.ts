/**
 * Parts of runs in the order of lists, oldest first. What filters ask stands in columns of numbers, in memory; the rest of
 * a part is text that is read when the part is shown, most often from disk.
 */
import { TASK_STATUSES } from '@taskspan/core';
import type { JobStatus } from '../reader/job.ts';
import { MemoryText, type PartText } from './part-text.ts';
import { comparePlaces, decodePart, encodePart, type ListPlace, type RunPart, SPANS_BELOW } from './run-part.ts';
import { textHash } from './text-hash.ts';

const MS_PER_DAY = 86_400_000;
const NANOS_PER_MS = 1_000_000n;

/** 0 stands for a run that is open: whether it runs is a matter of when one asks. */
export const OPEN_CODE = 0;
export const STATUS_CODES: readonly JobStatus[] = ['running', ...TASK_STATUSES, 'unknown'];
/** Of what is no run and in no list. */
export const UNLISTED_CODE: number = STATUS_CODES.length;

/** Where a part's lines lie is known to this many bytes without reading its text. */
export const PLACE_BYTES = 4096;

/** Columns of 4 bytes, in the order in which they lie. */
const WORDS = ['textAt', 'id', 'operation', 'label', 'service', 'file', 'first', 'last', 'byId'] as const;
const BYTES_PER_ROW: number = 8 + WORDS.length * 4 + 2;

type Columns = Readonly<Record<(typeof WORDS)[number], Uint32Array>>;

export class PartTable {
  readonly count: number;
  /** Epoch milliseconds. */
  readonly start: Float64Array;
  /**
   * By row: where its text begins; hashes of id, operation, label and service (0: none); number of the file; the first and
   * last block of {@link PLACE_BYTES} with lines of it; and, by rank, the rows in the order of their id's hash.
   */
  readonly words: Columns;
  /** Place in {@link STATUS_CODES}. */
  readonly status: Uint8Array;
  /** 1 for a part that a newer one replaces, or whose file is gone. */
  readonly dead: Uint8Array;
  /** All columns as they are kept. */
  readonly columns: ArrayBuffer;
  readonly textBytes: number;
  text: PartText;
  deadCount = 0;

  /** @param columns as {@link columns} was */
  constructor(columns: ArrayBuffer, size: { readonly count: number; readonly textBytes: number }, text: PartText) {
    const { count, textBytes } = size;
    this.columns = columns;
    this.count = count;
    this.textBytes = textBytes;
    this.text = text;
    this.start = new Float64Array(columns, 0, count);
    this.words = Object.fromEntries(
      WORDS.map((name, at) => [name, new Uint32Array(columns, count * (8 + at * 4), count)]),
    ) as Columns;
    const flagsAt = count * (8 + WORDS.length * 4);
    this.status = new Uint8Array(columns, flagsAt, count);
    this.dead = new Uint8Array(columns, flagsAt + count, count);
    for (const isDead of this.dead) this.deadCount += isDead;
  }

  get liveCount(): number {
    return this.count - this.deadCount;
  }

  startAt(row: number): number {
    return this.start[row] ?? 0;
  }

  isLive(row: number): boolean {
    return this.dead[row] === 0;
  }

  bury(row: number): void {
    if (this.dead[row] !== 0) return;
    this.dead[row] = 1;
    this.deadCount += 1;
  }

  part(row: number): RunPart {
    return decodePart(this.textOf(row).toString(), this.words.file[row] ?? 0);
  }

  textOf(row: number): Buffer {
    const at = this.words.textAt[row] ?? 0;
    return this.text.read(at, (this.words.textAt[row + 1] ?? this.textBytes) - at);
  }

  placeOf(row: number): ListPlace {
    const { jobId, run } = this.part(row);
    return { startMs: this.startAt(row), jobId, run };
  }

  /** The rows whose id has this hash. */
  *rowsOf(idHash: number): Generator<number> {
    const { byId, id } = this.words;
    let low = 0;
    for (let high = this.count; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((id[byId[middle] ?? 0] ?? 0) < idHash) low = middle + 1;
      else high = middle;
    }
    for (let row = byId[low]; row !== undefined && id[row] === idHash; row = byId[low]) {
      yield row;
      low += 1;
    }
  }

  /** The newest row that is listed after `place`; -1 when there is none. */
  rowBelow(place: ListPlace): number {
    let low = 0;
    for (let high = this.count; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.#isBelow(middle, place)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #isBelow(row: number, place: ListPlace): boolean {
    const startMs = this.startAt(row);
    return startMs === place.startMs ? comparePlaces(this.placeOf(row), place) < 0 : startMs < place.startMs;
  }
}

/** When a part is listed, in epoch milliseconds: its start, unless that is days away from the folder it lies in. */
function listedMs({ state }: RunPart, dayMs: number): number {
  const ms = Number((state.startNanos ?? state.firstNanos ?? 0n) / NANOS_PER_MS);
  return ms >= dayMs - MS_PER_DAY && ms < dayMs + 2 * MS_PER_DAY ? ms : dayMs;
}

/** @param day UTC day of the folder that the parts lie in, `YYYY-MM-DD` */
export function tableOf(parts: readonly RunPart[], day: string): PartTable {
  const dayMs = Date.parse(day);
  const places = parts.map((part) => ({ startMs: listedMs(part, dayMs), jobId: part.jobId, run: part.run, part }));
  places.sort(comparePlaces);
  const texts = places.map(({ part }) => encodePart(part));
  const text = Buffer.from(texts.join(''));
  const table = emptyTable(parts.length, text);
  let textAt = 0;
  places.forEach(({ startMs, part }, row) => {
    const { state } = part;
    table.start[row] = startMs;
    setWords(table, row, {
      textAt,
      id: textHash(part.jobId),
      operation: textHash(state.operation ?? 'unknown'),
      label: state.label === undefined ? 0 : textHash(state.label),
      service: state.service === undefined ? 0 : textHash(state.service),
      file: part.file,
      first: Math.floor(part.from / PLACE_BYTES),
      last: Math.floor(part.to / PLACE_BYTES),
      byId: row,
    });
    table.status[row] = statusCode(part);
    textAt += Buffer.byteLength(texts[row] ?? '');
  });
  sortById(table);
  return table;
}

function statusCode({ run, state: { status } }: RunPart): number {
  if (run === SPANS_BELOW) return UNLISTED_CODE;
  return status === undefined ? OPEN_CODE : STATUS_CODES.indexOf(status);
}

/** One table of the live rows of several. */
export function mergedTable(tables: readonly PartTable[]): PartTable {
  const rows: { table: PartTable; bytes: Buffer; row: number; startMs: number }[] = [];
  let textBytes = 0;
  for (const table of tables) {
    const bytes = table.text.read(0, table.textBytes);
    for (let row = 0; row < table.count; row += 1) {
      if (table.isLive(row)) rows.push({ table, bytes, row, startMs: table.startAt(row) });
    }
  }
  rows.sort((a, b) => a.startMs - b.startMs || comparePlaces(a.table.placeOf(a.row), b.table.placeOf(b.row)));
  for (const { table, row } of rows) textBytes += textLength(table, row);
  const text = Buffer.allocUnsafe(textBytes);
  const merged = emptyTable(rows.length, text);
  let textAt = 0;
  rows.forEach(({ table, bytes, row, startMs }, to) => {
    merged.start[to] = startMs;
    for (const name of WORDS) merged.words[name][to] = table.words[name][row] ?? 0;
    merged.words.textAt[to] = textAt;
    merged.words.byId[to] = to;
    merged.status[to] = table.status[row] ?? 0;
    const at = table.words.textAt[row] ?? 0;
    textAt += bytes.copy(text, textAt, at, at + textLength(table, row));
  });
  sortById(merged);
  return merged;
}

function textLength(table: PartTable, row: number): number {
  return (table.words.textAt[row + 1] ?? table.textBytes) - (table.words.textAt[row] ?? 0);
}

function emptyTable(count: number, text: Buffer): PartTable {
  const columns = new ArrayBuffer(columnBytes(count));
  return new PartTable(columns, { count, textBytes: text.length }, new MemoryText(text));
}

/** Bytes of the columns of a table. */
export function columnBytes(count: number): number {
  return count * BYTES_PER_ROW;
}

function setWords(table: PartTable, row: number, words: Readonly<Record<keyof Columns, number>>): void {
  for (const name of WORDS) table.words[name][row] = words[name];
}

function sortById({ words: { byId, id } }: PartTable): void {
  byId.sort((a, b) => (id[a] ?? 0) - (id[b] ?? 0));
}
