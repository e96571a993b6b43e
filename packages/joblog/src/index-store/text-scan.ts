/** Files looked through for a text: whole windows of bytes at a time, and only the lines that may hold it are parsed. */
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ATTR } from '@taskspan/core';
import type { DecodedRecord } from '../decode.ts';
import { attributeText } from '../entry/attribute-text.ts';
import { entryOf } from '../entry/entry-of.ts';
import type { JobLogEntry } from '../entry/job-log-entry.ts';
import { batchesOf } from '../reader/line-batches.ts';
import { bytesOf } from '../reader/log-bytes.ts';
import { parseLogFileName } from '../reader/log-file.ts';
import { chunkWindows, type LineWindow, lineWindows } from './line-window.ts';
import { Needle } from './needle.ts';

const NEWLINE = 10;

/** A file of a folder, and which of its lines. */
export interface ScanFile {
  readonly name: string;
  /** Offset of the first line; default 0. */
  readonly from?: number | undefined;
  /** Lines that end here or before may be left out; default: none. */
  readonly start?: number | undefined;
  /** Lines that begin here or later are left out; default: none. */
  readonly to?: number | undefined;
}

export interface ScanQuestion {
  /** `entries`: the entries with the text in them; `runs`: the runs with a message that has it. */
  readonly wanted: 'entries' | 'runs';
  readonly needle: string;
  /** Of a day, absolute. */
  readonly folder: string;
  /** Names, with their endings, of those that are looked through from end to end. */
  readonly files: readonly (ScanFile | string)[];
  readonly service?: string | undefined;
  /** Ends with so many. */
  readonly limit: number;
}

export interface ScanHit {
  /** Place in the files of the question. */
  readonly file: number;
  readonly jobId: string;
  readonly run: string;
  /** Of the line, and the place of the record in it. */
  readonly offset: number;
  readonly record: number;
  /** Only where entries are wanted. */
  readonly entry?: JobLogEntry | undefined;
}

export interface ScanAnswer {
  /** In the order of the files, and in that of their lines. */
  readonly hits: readonly ScanHit[];
  /** Pieces of lines that could not be read, and files. */
  readonly skipped: number;
}

/** Never rejects. */
export async function scanFiles(question: ScanQuestion): Promise<ScanAnswer> {
  const scan = new TextScan(question);
  for (const [at, file] of question.files.entries()) {
    if (scan.isDone) break;
    await scan.file(at, typeof file === 'string' ? { name: file } : file);
  }
  return { hits: scan.hits, skipped: scan.skipped };
}

class TextScan {
  readonly hits: ScanHit[] = [];
  skipped = 0;
  readonly #question: ScanQuestion;
  readonly #needle: Needle;
  /** Runs of the file that are found already. */
  readonly #runs = new Set<string>();

  constructor(question: ScanQuestion) {
    this.#question = question;
    this.#needle = new Needle(question.needle);
  }

  get isDone(): boolean {
    return this.hits.length >= this.#question.limit;
  }

  async file(at: number, { name, from = 0, start = from, to = Number.POSITIVE_INFINITY }: ScanFile): Promise<void> {
    const { folder } = this.#question;
    const parsed = parseLogFileName(name);
    if (parsed === undefined) return;
    this.#runs.clear();
    const path = `${folder}/${name}`;
    try {
      const fd = parsed.compression === 'none' ? openPlain(path) : undefined;
      if (fd !== undefined) return this.#plain(fd, at, { from: start, to });
      // Packed, or packed meanwhile.
      const file = { path, folder: dirname(folder), day: basename(folder), ...parsed };
      for await (const window of chunkWindows(bytesOf(file, 0), 0)) {
        this.#window(at, window, { from, to });
        if (this.isDone || window.offset >= to) return;
      }
    } catch {
      // It cannot be read, or not to its end: that is counted, and the others are looked through.
      this.skipped += 1;
    }
  }

  #plain(fd: number, at: number, range: { readonly from: number; readonly to: number }): void {
    try {
      for (const window of lineWindows(fd, range.from)) {
        this.#window(at, window, range);
        if (this.isDone || window.offset >= range.to) return;
      }
    } finally {
      closeSync(fd);
    }
  }

  #window(
    file: number,
    { bytes, offset }: LineWindow,
    { from, to }: { readonly from: number; readonly to: number },
  ): void {
    const text = bytes.toString('latin1');
    for (let hit = this.#needle.nextIn(text, 0); hit >= 0; ) {
      const lineAt = hit === 0 ? 0 : bytes.lastIndexOf(NEWLINE, hit - 1) + 1;
      const newline = bytes.indexOf(NEWLINE, hit);
      const end = newline < 0 ? bytes.length : newline + 1;
      if (offset + lineAt >= to) return;
      if (offset + lineAt >= from) this.#line(file, bytes.toString('utf8', lineAt, end), offset + lineAt);
      if (this.isDone) return;
      hit = this.#needle.nextIn(text, end);
    }
  }

  #line(file: number, line: string, offset: number): void {
    const { records, skipped } = batchesOf(line);
    if (line.endsWith('\n')) this.skipped += skipped;
    for (const [at, record] of records.entries()) {
      const { [ATTR.TASK_ID]: jobId, [ATTR.TASK_RUN]: run } = record.attributes;
      if (typeof jobId !== 'string' || jobId === '') continue;
      this.#record(record, { file, jobId, run: typeof run === 'string' ? run : '', offset, record: at });
      if (this.isDone) return;
    }
  }

  #record(record: DecodedRecord, hit: ScanHit): void {
    const { wanted, service } = this.#question;
    if (service !== undefined && record.resource.attributes['service.name'] !== service) return;
    if (wanted === 'entries') {
      const entry = entryOf(record);
      if (textsOf(entry).some((text) => this.#needle.isIn(text))) this.hits.push({ ...hit, entry });
      return;
    }
    const key = `${hit.run}\n${hit.jobId}`;
    if (this.#runs.has(key) || !this.#needle.isIn(attributeText(record.body))) return;
    this.#runs.add(key);
    this.hits.push(hit);
  }
}

/** What an entry shows that its writer has said: not its time, nor the names of its parts. */
function textsOf({ job_id, outputs, log, metric, event, manifest }: JobLogEntry): readonly string[] {
  const texts = [job_id, ...outputs.map(({ str }) => str)];
  if (log !== undefined) texts.push(log.message, ...Object.values(log.fields));
  if (metric !== undefined) texts.push(metric.name, String(metric.value), metric.unit, ...Object.values(metric.labels));
  if (event !== undefined) texts.push(event.event_type, event.job_label, ...Object.values(event.metadata));
  if (manifest !== undefined) {
    const { inputs, metadata } = manifest;
    texts.push(...[...manifest.outputs, ...inputs].map(({ str }) => str), ...Object.values(metadata));
  }
  return texts;
}

/** Undefined for what is gone. */
function openPlain(path: string): number | undefined {
  try {
    // A link is not followed, and opening a pipe would wait for its writer.
    return openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
