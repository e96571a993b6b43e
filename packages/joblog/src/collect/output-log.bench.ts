/**
 * How fast the output of a loud program gets into its log, by the length of its lines, beside the floor: the same output
 * appended to a file as it is.
 * Run: npx tsc -b packages/joblog && node --import tsx packages/joblog/src/collect/output-log.bench.ts
 */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { JobLogWriter } from '@taskspan/joblog';
import { ended, fakeRun, INSTANCE_ID, RESOURCE, started } from '../fake-run.test.fixture.ts';
import { emitterTo, OutputLog } from './output-log.ts';

const CHUNK_BYTES = 64 * 1024;
const ROUNDS = 3;

interface Output {
  readonly line: string;
  readonly bytes: number;
}

const OUTPUTS: Readonly<Record<string, Output>> = {
  y: { line: 'y', bytes: 1_000_000 },
  '20 bytes': { line: 'line of twenty chars', bytes: 3_000_000 },
  '100 bytes': { line: `2026-03-04 05:06:07 [info] request handled${' in some time'.repeat(4)}`, bytes: 10_000_000 },
  '1 KiB': { line: 'x'.repeat(1023), bytes: 50_000_000 },
  '1 KiB, not ASCII': { line: 'ü'.repeat(512), bytes: 50_000_000 },
  '64 KiB': { line: 'x'.repeat(65_535), bytes: 100_000_000 },
  pino: {
    line: '{"level":30,"time":1772600767890,"pid":1,"hostname":"h","order":7,"msg":"handled"}',
    bytes: 5_000_000,
  },
  metrics: { line: '{"metric":{"name":"rows_processed","value":12}}', bytes: 2_000_000 },
};

function* chunksOf({ line, bytes }: Output): Generator<Buffer> {
  const text = Buffer.from(`${line}\n`);
  const block = Buffer.concat(Array.from({ length: Math.ceil((CHUNK_BYTES * 16) / text.length) }, () => text));
  for (let done = 0; done < bytes; ) {
    for (let at = 0; at < block.length && done < bytes; at += CHUNK_BYTES) {
      const chunk = block.subarray(at, at + CHUNK_BYTES);
      done += chunk.length;
      yield chunk;
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'output-bench-'));

function asItIs(output: Output): void {
  const fd = openSync(join(folder, 'raw'), 'w');
  for (const chunk of chunksOf(output)) writeSync(fd, chunk);
  closeSync(fd);
}

let made = 0;

async function logged(output: Output, thread: boolean): Promise<number> {
  const writer = new JobLogWriter({ directory: folder, resource: RESOURCE, instanceId: INSTANCE_ID, thread });
  made += 1;
  const run = fakeRun(`run-${made}`);
  writer.sink(started(run));
  const log = new OutputLog(run, { emitter: emitterTo(writer.recordSink, run) });
  for (const chunk of chunksOf(output)) {
    log.take('stdout', chunk);
    if (!thread) writer.writeNow();
  }
  log.end();
  writer.sink(ended(run));
  await writer.shutdown();
  const { size } = statSync(join(folder, `${run.file}.jsonl`));
  rmSync(join(folder, `${run.file}.jsonl`));
  return size;
}

const only = process.argv[2];
for (const [name, output] of Object.entries(OUTPUTS)) {
  if (only !== undefined && only !== name) continue;
  const lines = output.bytes / (Buffer.byteLength(output.line) + 1);
  const best: Record<string, number> = {};
  let size = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [way, run] of Object.entries({
      raw: () => asItIs(output),
      'written at once': async () => {
        size = await logged(output, false);
      },
      'by a thread': () => logged(output, true),
    })) {
      const start = performance.now();
      const before = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(before);
      // On a busy machine the wall clock shows the neighbours, too.
      const ms = Math.min(performance.now() - start, (user + system) / 1000);
      best[way] = Math.min(best[way] ?? Number.POSITIVE_INFINITY, ms);
    }
  }
  const rates = Object.entries(best).map(
    ([way, ms]) => `${way} ${(output.bytes / ms / 1000).toFixed(0)} MB/s, ${(lines / ms / 1000).toFixed(2)} M lines/s`,
  );
  console.log(`${name}: ${rates.join('; ')} (file ${(size / output.bytes).toFixed(1)} times as long)`);
}
rmSync(folder, { recursive: true });
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
