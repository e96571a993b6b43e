import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DecodedRecord, type DecodedSpan, decodeLine } from '@taskspan/joblog';

/** What one file of a tree holds. */
export interface JobLogFile {
  /** Path below the logs folder, with its ending. */
  readonly path: string;
  readonly records: readonly DecodedRecord[];
  readonly spans: readonly DecodedSpan[];
  /** What is wrong with lines that are no whole batch. */
  readonly broken: readonly string[];
}

/** A logs folder as it is now, read with the project's own reader. */
export class JobLogTree {
  readonly folder: string;
  readonly files: readonly JobLogFile[];

  /** @param service whose records and spans alone; all by default */
  constructor(folder: string, service?: string) {
    this.folder = folder;
    const files = jobLogPaths(folder).map((path) => readJobLogFile(folder, path));
    this.files = service === undefined ? files : files.flatMap((file) => partOf(file, service));
  }

  get records(): readonly DecodedRecord[] {
    return this.files.flatMap((file) => file.records);
  }

  get spans(): readonly DecodedSpan[] {
    return this.files.flatMap((file) => file.spans);
  }

  get broken(): readonly string[] {
    return this.files.flatMap((file) => file.broken.map((why) => `${file.path}: ${why}`));
  }

  /** As {@link endingsOf}, of all records. */
  endings(): Map<string, number> {
    return endingsOf(this.records);
  }

  /** Sequence numbers of the records by run (`<task.id> <task.run>`), in the order of the files. */
  sequences(): Map<string, number[]> {
    const runs = new Map<string, number[]>();
    for (const { attributes } of this.records) {
      const sequence = attributes['task.sequence'];
      if (typeof sequence !== 'number') continue;
      const key = `${attributes['task.id']} ${attributes['task.run']}`;
      const numbers = runs.get(key);
      if (numbers === undefined) runs.set(key, [sequence]);
      else numbers.push(sequence);
    }
    return runs;
  }
}

/** `<operation> <status>` of every run that ended, with how many there are. */
export function endingsOf(records: readonly DecodedRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { eventName, attributes } of records) {
    if (eventName !== 'task.ended') continue;
    const key = `${attributes['operation']} ${attributes['task.status']}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Paths of the files below a logs folder, sorted; none when there is no folder. */
export function jobLogPaths(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.jsonl')).sort();
}

/** What a service has in a file, if anything: a queue and a job of the same name elsewhere lead to the same file. */
function partOf({ path, records, spans, broken }: JobLogFile, service: string): JobLogFile[] {
  const isOwn = ({ resource }: DecodedRecord | DecodedSpan): boolean => resource.attributes['service.name'] === service;
  const own = { path, records: records.filter(isOwn), spans: spans.filter(isOwn), broken };
  return own.records.length + own.spans.length === 0 ? [] : [own];
}

function readJobLogFile(folder: string, path: string): JobLogFile {
  const records: DecodedRecord[] = [];
  const spans: DecodedSpan[] = [];
  const broken: string[] = [];
  const lines = readFileSync(join(folder, path), 'utf8').split('\n');
  // Whole lines end in a newline, so that the last piece is empty.
  if (lines.pop() !== '') broken.push('no newline at the end');
  for (const line of lines) {
    const decoded = decodeLine(line);
    if (decoded.error !== undefined) broken.push(decoded.error);
    else {
      records.push(...decoded.records);
      spans.push(...decoded.spans);
    }
  }
  return { path, records, spans, broken };
}
