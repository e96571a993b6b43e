/** A temporary logs folder, written as somebody else's Collector would write it. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type JobLogEntry, JobLogReader, type JobLogsRequest } from '@taskspan/joblog';

type Value = string | number | readonly string[];

/** One record; what is left out is as in most records of a run. */
export interface TreeRecord {
  readonly id?: string;
  readonly run?: string;
  /** Undefined: as the place in the list says; null: a writer that does not number. */
  readonly sequence?: number | null;
  /** Seconds after the start of the day of {@link DAY}. */
  readonly at?: number;
  readonly event?: string;
  readonly body?: string;
  readonly severity?: number;
  readonly instance?: string;
  readonly service?: string;
  readonly attributes?: Readonly<Record<string, Value>>;
}

export const DAY = '2026-01-27';

export class JobTree {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'job-tree-'));
  readonly #readers: JobLogReader[] = [];

  /** Writes records, each in a line of its own, into a file below `logs`. */
  write(file: string, records: readonly TreeRecord[]): void {
    this.append(file, records.map((record, at) => `${treeLine([{ sequence: at + 1, ...record }])}\n`).join(''));
  }

  append(file: string, text: string): void {
    const path = this.#path(file);
    appendFileSync(path, text);
  }

  /** As retention packs the files of past days. */
  writeGzip(file: string, records: readonly TreeRecord[]): void {
    const text = records.map((record, at) => `${treeLine([{ sequence: at + 1, ...record }])}\n`).join('');
    writeFileSync(this.#path(file), gzipSync(text));
  }

  /** A reader of this tree, and of others; closed with the tree. */
  reader(...others: readonly JobTree[]): JobLogReader {
    const logs = [this, ...others].map(({ folder }) => join(folder, 'logs'));
    const reader = new JobLogReader({ logs, index: join(this.folder, 'index'), refreshIntervalMs: 50 });
    this.#readers.push(reader);
    return reader;
  }

  /** Texts of the log lines of a job, and types of its events. */
  async told(id: string, request: Partial<JobLogsRequest> = {}): Promise<readonly string[]> {
    const { entries } = await this.reader().getJobLogs({ job_run_id: id, ...request });
    return entries.map(toldBy);
  }

  async remove(): Promise<void> {
    for (const reader of this.#readers) await reader.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #path(file: string): string {
    const path = join(this.folder, 'logs', file);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }
}

export function toldBy({ log, metric, event }: JobLogEntry): string {
  return log?.message ?? metric?.name ?? event?.event_type ?? 'manifest';
}

/** One batch, with each record under a resource of its own. */
export function treeLine(records: readonly TreeRecord[]): string {
  const resourceLogs = records.map((record) => {
    const { instance = 'instance-1', service = 'shop' } = record;
    const resource = { attributes: keyValues({ 'service.name': service, 'service.instance.id': instance }) };
    return { resource, scopeLogs: [{ scope: { name: 'taskspan' }, logRecords: [logRecord(record)] }] };
  });
  return JSON.stringify({ resourceLogs });
}

function logRecord(record: TreeRecord): object {
  const { id = 'job', run = 'a1b2c3d4e5f60718', sequence, at = sequence ?? 0, event, body, severity = 9 } = record;
  return {
    timeUnixNano: `${Date.parse(`${DAY}T00:00:00Z`) + at * 1000}000000`,
    severityNumber: severity,
    ...(body === undefined ? {} : { body: { stringValue: body } }),
    attributes: keyValues({
      'task.id': id,
      operation: 'etl',
      'task.run': run,
      ...(typeof sequence === 'number' ? { 'task.sequence': sequence } : {}),
      ...record.attributes,
    }),
    ...(event === undefined ? {} : { eventName: event }),
  };
}

function keyValues(attributes: Readonly<Record<string, Value>>): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: Value): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
  return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
}
