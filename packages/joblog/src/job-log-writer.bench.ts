/**
 * What a run's two lifecycle records and its span cost: on the task's path, on the main thread, and in all threads.
 * Run: npx tsc -b packages/joblog && node --import tsx packages/joblog/src/job-log-writer.bench.ts
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
// The built writer: its worker then loads without the loader of the sources, as it does where it is installed.
import { JobLogWriter } from '@taskspan/joblog';
import { ended, fakeRun, INSTANCE_ID, RESOURCE, START_MS, started, taskSpan } from './fake-run.test.fixture.ts';

const RUNS = 20_000;
const ROUNDS = 6;

interface Cost {
  readonly queueUs: number;
  readonly mainUs: number;
  readonly cpuUs: number;
}

async function withWriter(runFilesPerHour: number | 'unlimited'): Promise<Cost> {
  const directory = mkdtempSync(join(tmpdir(), 'joblog-bench-'));
  const writer = new JobLogWriter({ directory, resource: RESOURCE, instanceId: INSTANCE_ID, runFilesPerHour });
  // The thread is there before the measured part.
  for (let at = 0; at < 500; at += 1) {
    const run = fakeRun(`warm-${at}`, { file: writer.fileNamer(`warm-${at}`, START_MS) });
    writer.sink(started(run));
    writer.sink(ended(run));
  }
  await writer.forceFlush();
  const items = Array.from({ length: RUNS }, (_, at) => {
    const id = `0198c0de-0000-7000-8000-${String(at).padStart(12, '0')}`;
    const run = fakeRun(id, { file: writer.fileNamer(id, START_MS) });
    return { start: started(run), end: ended(run), span: taskSpan(run) };
  });
  const cpuStart = process.cpuUsage();
  let queueMs = 0;
  let mainMs = 0;
  // As in a busy process: a flush every thousand runs.
  for (let at = 0; at < RUNS; at += 1000) {
    const begin = performance.now();
    for (const { start, end, span } of items.slice(at, at + 1000)) {
      writer.sink(start);
      writer.sink(end);
      writer.onSpanEnd(span);
    }
    queueMs += performance.now() - begin;
    const flushed = writer.forceFlush();
    mainMs += performance.now() - begin;
    await flushed;
  }
  const cpu = process.cpuUsage(cpuStart);
  await writer.shutdown();
  rmSync(directory, { recursive: true });
  return { queueUs: (queueMs * 1000) / RUNS, mainUs: (mainMs * 1000) / RUNS, cpuUs: (cpu.user + cpu.system) / RUNS };
}

/** The floor: a file made, written once and closed, with nothing to format. */
function bareFiles(): number {
  const directory = mkdtempSync(join(tmpdir(), 'joblog-bench-'));
  mkdirSync(join(directory, 'day'));
  const text = `${'x'.repeat(2400)}\n`;
  const cpuStart = process.cpuUsage();
  for (let at = 0; at < RUNS; at += 1) {
    const fd = openSync(`${directory}/day/0198c0de-0000-7000-8000-${String(at).padStart(12, '0')}.jsonl`, 'ax', 0o600);
    writeSync(fd, text);
    closeSync(fd);
  }
  const cpu = process.cpuUsage(cpuStart);
  rmSync(directory, { recursive: true });
  return (cpu.user + cpu.system) / RUNS;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const own: Cost[] = [];
const shared: Cost[] = [];
const bare: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  own.push(await withWriter('unlimited'));
  shared.push(await withWriter(0));
  bare.push(bareFiles());
}
const floor = median(bare);
console.log(`\nper run (2 records, 1 span), median of ${ROUNDS} rounds of ${RUNS} runs, us`);
console.log(`create + write + close alone: ${floor.toFixed(2)} CPU`);
for (const [name, costs] of Object.entries({ 'a file per run': own, 'shared files': shared })) {
  const [queue, main, cpu] = (['queueUs', 'mainUs', 'cpuUs'] as const).map((key) =>
    median(costs.map((cost) => cost[key])),
  );
  console.log(
    `${name}: queue ${queue?.toFixed(2)}, main thread ${main?.toFixed(2)}, CPU of all threads ${cpu?.toFixed(2)} (${((cpu ?? 0) / floor).toFixed(2)} of the bare file)`,
  );
}
