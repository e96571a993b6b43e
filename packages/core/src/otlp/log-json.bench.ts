/**
 * Small records formatted and written to a few files on one core, beside the floor: the same bytes by string
 * concatenation alone, and what JSON.stringify of an equal tree costs.
 * Run: node --import tsx packages/core/src/otlp/log-json.bench.ts
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { SCOPE } from '../names.ts';
import { fakeRecord, fakeRun } from './fake-run.test.fixture.ts';
import { Frames } from './frame.ts';
import { runRecordJson } from './log-json.ts';
import { OtlpBatch } from './otlp-batch.ts';

const RECORDS = 100_000;
const FILES = 4;
const ROUNDS = 12;
const WARM_UP = 2;
const CHUNK_CHARS = 64 * 1024;

const frame = new Frames().of({ attributes: { 'service.name': 'shop' } }, SCOPE);
const runs = Array.from({ length: FILES }, (_, at) => fakeRun(`0198c0de-0000-7000-8000-00000000000${at}`));
const records = Array.from({ length: RECORDS }, (_, at) =>
  fakeRecord(runs[Math.floor((at * FILES) / RECORDS)] ?? fakeRun('x'), {
    body: `line ${at}`,
    timeMs: 1772600767890 + at / 8,
  }),
);
const buffer = Buffer.alloc(4 * CHUNK_CHARS);

type Write = (text: string) => void;

const contenders: Readonly<Record<string, (write: Write) => void>> = {
  'string concat': (write) => {
    let text = '';
    for (const { timeMs, body, sequence, run } of records) {
      text += `{"time":${timeMs},"body":"${body}","sequence":${sequence},"id":"${run.id}"}\n`;
      if (text.length > CHUNK_CHARS) {
        write(text);
        text = '';
      }
    }
    write(text);
  },
  'OTLP-JSON lines': (write) => {
    const batch = new OtlpBatch('logs');
    for (const record of records) {
      batch.add(frame, runRecordJson(record));
      if (batch.chars > CHUNK_CHARS) write(`${batch.take()}\n`);
    }
    write(`${batch.take()}\n`);
  },
  'JSON.stringify of such a tree': (write) => {
    let text = '';
    for (const { timeMs, body, sequence, run } of records) {
      const attributes = [
        { key: 'task.id', value: { stringValue: run.id } },
        { key: 'operation', value: { stringValue: run.operation } },
        { key: 'task.run', value: { stringValue: run.runId } },
        { key: 'task.file', value: { stringValue: run.file } },
        { key: 'task.sequence', value: { intValue: String(sequence) } },
      ];
      const time = String(Math.round(timeMs * 1e6));
      const { traceId, spanId } = run.spanContext;
      text += `${JSON.stringify({ timeUnixNano: time, observedTimeUnixNano: time, severityNumber: 9, severityText: 'INFO', body: { stringValue: body }, attributes, flags: 1, traceId, spanId })}\n`;
      if (text.length > CHUNK_CHARS) {
        write(text);
        text = '';
      }
    }
    write(text);
  },
};

const folder = mkdtempSync(join(tmpdir(), 'otlp-bench-'));
const times = new Map<string, number[]>();
for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
  for (const [name, run] of Object.entries(contenders)) {
    const fd = openSync(join(folder, 'file'), 'w');
    const start = process.cpuUsage();
    const began = performance.now();
    run((text) => {
      writeSync(fd, buffer, 0, buffer.write(text, 'latin1'));
    });
    const { user, system } = process.cpuUsage(start);
    closeSync(fd);
    if (round < WARM_UP) continue;
    const list = times.get(name) ?? [];
    // On a busy machine the wall clock shows the neighbours, too.
    list.push(Math.min(user + system, (performance.now() - began) * 1000));
    times.set(name, list);
  }
}
rmSync(folder, { recursive: true });

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const floor = times.get('string concat') ?? [];
console.log(`\n${RECORDS} small records, median of ${ROUNDS} rounds`);
for (const [name, list] of times) {
  const ratio = median(list.map((time, at) => time / (floor[at] ?? Number.NaN)));
  console.log(`${name}: ${(RECORDS / median(list)).toFixed(2)} M records/s, ${ratio.toFixed(2)} of the floor`);
}
