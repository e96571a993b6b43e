/**
 * Pages of one long log, against reading the whole file with readline and JSON.parse, as a reader without memory does
 * for each page. Run: node --import tsx packages/joblog/src/reader/job-log-reader.bench.ts [megabytes]
 */
import { appendFileSync, createReadStream } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { JobLogReader } from './job-log-reader.ts';
import { DAY, logsLine, START, TestTree } from './otlp-line.test.fixture.ts';

const MEGABYTES = Number(process.argv[2] ?? 50);
const RECORDS_PER_LINE = 100;
const ROUNDS = 5;

async function timed(what: string, act: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await act();
  const ms = performance.now() - begin;
  console.log(`${what.padEnd(40)} ${ms.toFixed(1)} ms`);
  return ms;
}

async function parseAll(path: string): Promise<number> {
  let records = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const batch = JSON.parse(line) as { resourceLogs: unknown[] };
    records += batch.resourceLogs.length;
  }
  return records;
}

const tree = new TestTree();
const path: string = tree.write(`${DAY}/a.jsonl`, '');
let records = 0;
for (let bytes = 0; bytes < MEGABYTES * 1e6; ) {
  const batch = Array.from({ length: RECORDS_PER_LINE }, () => {
    records += 1;
    return {
      id: 'a',
      run: 'r1',
      seq: records,
      at: records * 1000,
      body: `line ${records} of a child that has much to say`,
    };
  });
  const line = `${logsLine(...batch)}\n`;
  bytes += line.length;
  appendFileSync(path, line);
}
console.log(`${records} records, ${MEGABYTES} MB`);
const reader = new JobLogReader({ logs: tree.folder });
await timed('first page, nothing known', () => reader.getJobLogs({ job_run_id: 'a' }));
const ratios: number[] = [];
for (let round = 1; round <= ROUNDS; round += 1) {
  const since_timestamp = START + BigInt(Math.floor((records * 1000 * round) / (ROUNDS + 1)));
  const page = await timed('page in the middle', () => reader.getJobLogs({ job_run_id: 'a', since_timestamp }));
  const all = await timed('whole file, readline and JSON.parse', () => parseAll(path));
  ratios.push(all / page);
}
console.log(`a page takes 1/${ratios.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]?.toFixed(0)} of the time`);
console.log(`memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most`);
await reader.close();
tree.remove();
