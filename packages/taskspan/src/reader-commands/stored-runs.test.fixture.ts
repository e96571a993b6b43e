import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { ATTR, EVENT } from '@taskspan/core';
import { Command } from 'commander';
import type { CommandIo } from './command-io.ts';

type Attributes = Readonly<Record<string, string | number | readonly string[]>>;

/** One record of a run, in the order of its number. */
export interface StoredRecord {
  readonly eventName?: string;
  readonly body?: string;
  readonly severity?: number;
  readonly attributes?: Attributes;
}

export interface StoredRun {
  readonly operation?: string;
  readonly service?: string;
  /** `task.run`. */
  readonly run?: string;
  /** Epoch milliseconds of the first record; each next one is a second later. */
  readonly startMs?: number;
}

export const START_MS: number = Date.UTC(2026, 0, 27, 10, 30, 45);

export const STARTED: StoredRecord = { eventName: EVENT.STARTED, attributes: { [ATTR.TASK_LABEL]: 'nightly' } };

export function ended(status = 'success', attributes: Attributes = {}): StoredRecord {
  return {
    eventName: EVENT.ENDED,
    severity: status === 'failure' ? 17 : 9,
    attributes: { [ATTR.TASK_STATUS]: status, [ATTR.TASK_DURATION]: 2.5, [ATTR.TASK_LABEL]: 'nightly', ...attributes },
  };
}

/** A data folder with job logs, and commands that read it. */
export class StoredRuns {
  readonly dir: string = mkdtempSync(join(tmpdir(), 'reader-commands-'));

  /** Writes the file of a run, as a Collector does. */
  write(id: string, records: readonly StoredRecord[], run: StoredRun = {}): void {
    const { startMs = START_MS } = run;
    const file = join(this.dir, 'logs', new Date(startMs).toISOString().slice(0, 10), `${safe(id)}.jsonl`);
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, records.map((record, at) => `${line(id, record, { ...run, at, startMs })}\n`).join(''));
  }

  writeText(path: string, text: string): void {
    const file = join(this.dir, 'logs', path);
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, text);
  }

  /** Runs a command as the command line does. */
  async run(register: (program: Command, io: CommandIo) => void, args: readonly string[]): Promise<Printed> {
    const io = new PrintedIo();
    const program = new Command('taskspan').exitOverride();
    register(program, io);
    await program.parseAsync(['node', 'taskspan', ...args, '--dir', this.dir]);
    return io.printed();
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface Printed {
  readonly out: string;
  readonly err: string;
  readonly failed: boolean;
}

class Collected extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

class PrintedIo implements CommandIo {
  readonly out: Collected = new Collected();
  readonly err: Collected = new Collected();
  readonly env: CommandIo['env'] = {};
  #failed = false;

  readonly fail = (): void => {
    this.#failed = true;
  };

  printed(): Printed {
    return { out: this.out.text, err: this.err.text, failed: this.#failed };
  }
}

function safe(id: string): string {
  return id.replace(/[^\w.-]/g, '_');
}

interface Place extends StoredRun {
  readonly at: number;
  readonly startMs: number;
}

function line(id: string, record: StoredRecord, place: Place): string {
  const { operation = 'etl', service = 'shop', run = 'a1b2c3d4e5f60718' } = place;
  const time = `${place.startMs + place.at * 1000}000000`;
  const attributes = {
    [ATTR.TASK_ID]: id,
    [ATTR.OPERATION]: operation,
    [ATTR.TASK_RUN]: run,
    [ATTR.TASK_SEQUENCE]: place.at + 1,
    ...record.attributes,
  };
  const logRecord = {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: record.severity ?? 9,
    ...(record.body === undefined ? {} : { body: { stringValue: record.body } }),
    attributes: keyValues(attributes),
    ...(record.eventName === undefined ? {} : { eventName: record.eventName }),
  };
  const resource = { attributes: keyValues({ 'service.name': service, 'service.instance.id': 'i-1' }) };
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: {}, logRecords: [logRecord] }] }] });
}

function keyValues(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | readonly string[]): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'object') return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
