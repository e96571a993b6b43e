import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { clearReports, state } from '@taskspan/core/hub';

export const DAY = '2026-03-04';
/** 2026-03-04T05:06:07Z */
export const START_MS: number = Date.UTC(2026, 2, 4, 5, 6, 7);

type Value = string | number;

/** A record as it stands in a line. */
export interface StoredRecord {
  readonly eventName?: string;
  readonly timeUnixNano: string;
  readonly severityNumber: number;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

export interface StoredRunOptions {
  readonly operation?: string;
  readonly label?: string;
  /** True (default) for a run that is counted from the files. */
  readonly isCounted?: boolean;
  /** Epoch milliseconds. */
  readonly startMs?: number;
}

/** The records of one run, in order. */
export class StoredRun {
  readonly id: string;
  readonly #options: StoredRunOptions;
  #sequence = 0;

  constructor(id: string, options: StoredRunOptions = {}) {
    this.id = id;
    this.#options = options;
  }

  get startMs(): number {
    return this.#options.startMs ?? START_MS;
  }

  started(attributes: Record<string, Value> = {}): StoredRecord {
    const { label, isCounted = true } = this.#options;
    return this.event('task.started', 0, {
      ...(isCounted ? { 'task.metrics': 'files' } : {}),
      ...(label === undefined ? {} : { 'task.label': label }),
      ...attributes,
    });
  }

  ended(seconds = 1, status = 'success', attributes: Record<string, Value> = {}): StoredRecord {
    const told = { 'task.status': status, 'task.duration_seconds': seconds, ...attributes };
    return this.event('task.ended', seconds, told);
  }

  rows(value: number): StoredRecord {
    return this.event('task.metric', 0.5, { 'metric.name': 'rows_processed', 'metric.value': value });
  }

  /** @param seconds after its start */
  event(eventName: string | undefined, seconds: number, attributes: Record<string, Value> = {}): StoredRecord {
    this.#sequence += 1;
    const { operation = 'import' } = this.#options;
    const all = {
      'task.id': this.id,
      'task.run': `run-${this.id}`,
      'task.sequence': this.#sequence,
      operation,
      ...attributes,
    };
    return {
      ...(eventName === undefined ? {} : { eventName }),
      timeUnixNano: `${Math.round(this.startMs + seconds * 1000)}000000`,
      severityNumber: 9,
      attributes: Object.entries(all).map(([key, value]) => ({ key, value: storedValue(value) })),
    };
  }
}

function storedValue(value: Value): object {
  if (typeof value === 'string') return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** One line with these records, its newline included. */
export function lineOf(...logRecords: readonly StoredRecord[]): string {
  const resource = { attributes: [{ key: 'service.instance.id', value: { stringValue: 'i-1' } }] };
  return `${JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] })}\n`;
}

/** A logs folder of a test, with a folder for the state beside it; collects warnings. */
export class StoredRuns {
  readonly root: string = mkdtempSync(join(tmpdir(), 'job-metrics-'));
  readonly logs: string = join(this.root, 'logs');
  readonly state: string = join(this.root, 'index');
  readonly warnings: string[] = [];

  constructor() {
    clearReports();
    state.warn = (message) => this.warnings.push(message);
  }

  path(name: string, day: string = DAY): string {
    return join(this.logs, day, name);
  }

  /** Appends text to a file of a day. */
  append(name: string, text: string, day: string = DAY): void {
    mkdirSync(join(this.logs, day), { recursive: true });
    appendFileSync(this.path(name, day), text);
  }

  /** Writes a run that is whole into a file of its own. */
  add(run: StoredRun, seconds = 1, status = 'success'): void {
    this.append(`${run.id}.jsonl`, lineOf(run.started()) + lineOf(run.ended(seconds, status)));
  }

  /** Compresses a file as retention does it, all but the last step: removing it. */
  compress(name: string): void {
    writeFileSync(this.path(`${name}.gz`), gzipSync(readFileSync(this.path(name))));
  }

  remove(): void {
    state.warn = undefined;
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The value of one series in a text; undefined when it is not there. */
export function sample(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
