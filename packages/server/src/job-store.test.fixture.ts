import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ATTR, EVENT } from '@taskspan/core';

/** A line of a run's log, as a record. */
export interface StoredRecord {
  readonly event?: string;
  readonly body?: string;
  readonly severity?: number;
  readonly attributes?: Readonly<Record<string, string | number>>;
}

export interface StoredRun {
  readonly id: string;
  readonly run?: string;
  readonly operation?: string;
  readonly service?: string;
  /** Milliseconds of its start; its records are a millisecond apart. */
  readonly at?: number;
}

/** A temporary folder of job logs, written as the Collector writes them. */
export class JobStore {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'taskspan-server-'));
  readonly #sequences = new Map<string, number>();

  get logs(): string {
    return join(this.folder, 'logs');
  }

  /** Appends records to the file of the run, each in a line of its own. */
  write(run: StoredRun, records: readonly StoredRecord[]): void {
    const at = run.at ?? Date.UTC(2026, 0, 27, 10, 30);
    const file = join(this.logs, new Date(at).toISOString().slice(0, 10), `${run.id.replace(/[^\w.-]/g, '_')}.jsonl`);
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, records.map((record) => `${this.#line(run, at, record)}\n`).join(''));
  }

  /** A whole run: started, its lines, ended. */
  writeWhole(run: StoredRun, lines: readonly string[] = []): void {
    this.write(run, [STARTED, ...lines.map((body) => ({ body })), ENDED]);
  }

  writeText(path: string, text: string): void {
    const file = join(this.logs, path);
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, text);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #line(run: StoredRun, at: number, record: StoredRecord): string {
    const { id, run: name = '00f067aa0ba902b7', operation = 'commit', service = 'shop' } = run;
    const sequence = (this.#sequences.get(`${id} ${name}`) ?? 0) + 1;
    this.#sequences.set(`${id} ${name}`, sequence);
    const attributes = {
      [ATTR.TASK_ID]: id,
      [ATTR.TASK_RUN]: name,
      [ATTR.OPERATION]: operation,
      [ATTR.TASK_SEQUENCE]: sequence,
      ...record.attributes,
    };
    const logRecord = {
      timeUnixNano: String(BigInt(at + sequence) * 1_000_000n),
      severityNumber: record.severity ?? 9,
      severityText: 'INFO',
      ...(record.event === undefined ? {} : { eventName: record.event }),
      ...(record.body === undefined ? {} : { body: { stringValue: record.body } }),
      attributes: otlp(attributes),
    };
    const resource = { attributes: otlp({ 'service.name': service, 'service.instance.id': 'instance-1' }) };
    const scopeLogs = [{ scope: { name: 'taskspan' }, logRecords: [logRecord] }];
    return JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] });
  }
}

export const STARTED: StoredRecord = { event: EVENT.STARTED };
export const ENDED: StoredRecord = {
  event: EVENT.ENDED,
  attributes: { [ATTR.TASK_STATUS]: 'success', [ATTR.TASK_DURATION]: 1 },
};

function otlp(attributes: Readonly<Record<string, string | number>>): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : Number.isInteger(value)
          ? { intValue: String(value) }
          : { doubleValue: value },
  }));
}
