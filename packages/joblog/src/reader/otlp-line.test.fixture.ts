/** Lines as writers of all kinds leave them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** 2026-03-04T05:06:07Z, in nanoseconds. */
export const START = 1_772_600_767_000_000_000n;
export const DAY = '2026-03-04';

export interface RecordSpec {
  readonly id: string;
  readonly run?: string;
  readonly seq?: number;
  /** Nanoseconds after {@link START}. */
  readonly at?: number | bigint;
  readonly event?: string;
  readonly severity?: number;
  readonly body?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly instance?: string;
  readonly service?: string;
}

export interface SpanSpec {
  readonly id: string;
  readonly spanId: string;
  readonly name?: string;
  readonly service?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** One batch; each record under a resource of its own, as a Collector writes what came from many processes. */
export function logsLine(...records: readonly RecordSpec[]): string {
  return JSON.stringify({
    resourceLogs: records.map((spec) => ({
      resource: { attributes: attributes(resourceOf(spec)) },
      scopeLogs: [{ scope: { name: 'taskspan' }, logRecords: [recordJson(spec)] }],
    })),
  });
}

export function spansLine(...spans: readonly SpanSpec[]): string {
  return JSON.stringify({
    resourceSpans: spans.map((spec) => ({
      resource: { attributes: attributes(resourceOf(spec)) },
      scopeSpans: [
        {
          scope: { name: 'taskspan' },
          spans: [
            {
              traceId: 'ab'.repeat(16),
              spanId: spec.spanId,
              name: spec.name ?? 'work',
              kind: 1,
              startTimeUnixNano: String(START),
              endTimeUnixNano: String(START + 1_500_000_000n),
              attributes: attributes({ 'task.id': spec.id, ...spec.attributes }),
            },
          ],
        },
      ],
    })),
  });
}

function resourceOf({ service = 'shop', instance = 'i-1' }: { service?: string; instance?: string }): object {
  return { 'service.name': service, ...(instance === '' ? {} : { 'service.instance.id': instance }) };
}

function recordJson(spec: RecordSpec): object {
  const own = {
    'task.id': spec.id,
    ...(spec.run === undefined ? {} : { 'task.run': spec.run }),
    ...(spec.seq === undefined ? {} : { 'task.sequence': spec.seq }),
    operation: 'commit',
    ...spec.attributes,
  };
  return {
    timeUnixNano: String(START + BigInt(spec.at ?? 0)),
    severityNumber: spec.severity ?? 9,
    ...(spec.event === undefined ? {} : { eventName: spec.event }),
    body: spec.body === undefined ? {} : { stringValue: spec.body },
    attributes: attributes(own),
  };
}

function attributes(values: object): object[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: valueJson(value) }));
}

function valueJson(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value)
      ? { intValue: String(value) }
      : { doubleValue: Number.isFinite(value) ? value : String(value) };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueJson) } };
  return { boolValue: value === true };
}

/** A logs folder that is gone after the test. */
export class TestTree {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'taskspan-reader-'));

  path(file: string): string {
    return join(this.folder, file);
  }

  /** @param file below the folder, such as `2026-03-04/a.jsonl` or `….jsonl.gz` */
  write(file: string, text: string | Buffer): string {
    const path = this.path(file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.endsWith('.gz') ? gzipSync(text) : text);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Each with its newline. */
export function lines(...texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
