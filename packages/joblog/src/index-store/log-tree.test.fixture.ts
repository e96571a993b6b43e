/** Lines of job logs as writers leave them, for tests and benches: made of text, because a million of them are wanted. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface FakeRun {
  readonly id: string;
  /** `task.run` */
  readonly run?: string | undefined;
  readonly operation?: string | undefined;
  readonly label?: string | undefined;
  readonly service?: string | undefined;
  /** Epoch milliseconds. */
  readonly startMs: number;
  /** Default 1500. */
  readonly durationMs?: number | undefined;
  /** Status of its `task.ended`; null for a run that is open. Default `success`. */
  readonly status?: string | null | undefined;
  /** One log record each. */
  readonly messages?: readonly string[] | undefined;
}

function text(key: string, value: string): string {
  return `{"key":"${key}","value":{"stringValue":${JSON.stringify(value)}}}`;
}

function record({ id, run, operation }: FakeRun, at: { ms: number; sequence: number }, rest: string, own = ''): string {
  return (
    `{"timeUnixNano":"${at.ms}000000","observedTimeUnixNano":"${at.ms}000000","severityNumber":9,"severityText":"INFO",` +
    `"attributes":[${text('task.id', id)},${text('operation', operation ?? 'commit')},${text('task.run', run ?? 'a1b2c3d4e5f60718')},` +
    `{"key":"task.sequence","value":{"intValue":"${at.sequence}"}}${own}],"flags":1,${rest}}`
  );
}

/** The records of a run: what a line holds. */
export function recordsOf(run: FakeRun): readonly string[] {
  const { startMs, durationMs = 1500, status = 'success', messages = [], label } = run;
  const own = label === undefined ? '' : `,${text('task.label', label)}`;
  const started = record(run, { ms: startMs, sequence: 1 }, '"body":{},"eventName":"task.started"', own);
  const logs = messages.map((message, at) =>
    record(run, { ms: startMs + at + 1, sequence: at + 2 }, `"body":{"stringValue":${JSON.stringify(message)}}`),
  );
  if (status === null) return [started, ...logs];
  const ended =
    `,${text('task.status', status)},{"key":"task.duration_seconds","value":{"doubleValue":${durationMs / 1000}}}` +
    (status === 'failure' ? `,${text('error.type', 'TypeError')}` : '');
  const end = { ms: startMs + durationMs, sequence: messages.length + 2 };
  return [started, ...logs, record(run, end, '"body":{},"eventName":"task.ended"', own + ended)];
}

/** A line with these records. */
export function batchLine(records: readonly string[], service = 'shop'): string {
  return (
    `{"resourceLogs":[{"resource":{"attributes":[${text('service.name', service)},` +
    `${text('service.instance.id', '0198c0de-7a3b-7c4d-8e5f-60718293a4b5')}]},"scopeLogs":[{"scope":{"name":"taskspan",` +
    `"version":"0.1.0","attributes":[{"key":"taskspan.format","value":{"intValue":"1"}}]},"logRecords":[${records.join(',')}]}]}]}\n`
  );
}

/** All of a run in one line. */
export function runLine(run: FakeRun): string {
  return batchLine(recordsOf(run), run.service);
}

/** @returns the path */
export function addToFile(logs: string, file: string, lines: string): string {
  const path = join(logs, file);
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, lines);
  return path;
}

/** Writes a run to the file that it has for itself. @returns its path */
export function addRun(logs: string, run: FakeRun): string {
  const day = new Date(run.startMs).toISOString().slice(0, 10);
  return addToFile(logs, `${day}/${run.id}.jsonl`, runLine(run));
}
