/**
 * Lists, look-ups and search on a tree of many runs, against jq, grep and readline with JSON.parse on the same files.
 * Run: npx tsc -b packages/joblog && node --import tsx packages/joblog/src/index-store/stored-index.bench.ts [runs] [share]
 * `share` of the runs have a file of their own, the others share those of their hours. 10 000 runs are 50 MB.
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
// The built reader: its threads then load without the loader of the sources, as they do where it is installed.
import { JobLogReader } from '@taskspan/joblog';
import { addToFile, batchLine, recordsOf } from './log-tree.test.fixture.ts';

const RUNS = Number(process.argv[2] ?? 10_000);
const OWN_SHARE = Number(process.argv[3] ?? 1);
const DAYS = 7;
const FIRST_MS: number = Date.parse('2026-11-10');
const MS_PER_DAY = 86_400_000;
const NEEDLE = 'needle-of-the-haystack';
const MB = 1024 * 1024;
/** What the slow ones get of the tree. */
const SAMPLE_FILES = 4000;

/** Eight messages: 5 KB a run. */
const MESSAGES: readonly string[] = Array.from({ length: 8 }, (_, n) =>
  `step ${n}: wrote the rows of a table to the lake`.repeat(2),
);

function runOf(n: number): { readonly id: string; readonly startMs: number; readonly isOwn: boolean } {
  const startMs = FIRST_MS + Math.floor((n / RUNS) * DAYS * MS_PER_DAY);
  const time = startMs.toString(16).padStart(12, '0');
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
  return { id, startMs, isOwn: (n * 7919) % 1000 < OWN_SHARE * 1000 };
}

function makeTree(logs: string): number {
  let bytes = 0;
  let shared = '';
  let sharedFile = '';
  for (let n = 0; n < RUNS; n += 1) {
    const { id, startMs, isOwn } = runOf(n);
    const messages = n === Math.floor(RUNS / 2) ? [...MESSAGES, `the ${NEEDLE}`] : MESSAGES;
    const operation = n % 1000 === 0 ? 'rare' : `operation_${n % 20}`;
    const status = n % 50 === 0 ? 'failure' : 'success';
    const line = batchLine(
      recordsOf({ id, run: n.toString(16).padStart(16, '0'), operation, startMs, status, messages }),
    );
    bytes += line.length;
    const instant = new Date(startMs).toISOString();
    const day = instant.slice(0, 10);
    if (n === 0 || day !== new Date(runOf(n - 1).startMs).toISOString().slice(0, 10))
      mkdirSync(join(logs, day), { recursive: true });
    if (isOwn) writeFileSync(`${logs}/${day}/${id}.jsonl`, line);
    else {
      const file = `${day}/_${instant.slice(11, 13)}.0198c0de.jsonl`;
      if (file !== sharedFile || shared.length > 4 * MB) {
        if (shared !== '') addToFile(logs, sharedFile, shared);
        shared = '';
        sharedFile = file;
      }
      shared += line;
    }
  }
  if (shared !== '') addToFile(logs, sharedFile, shared);
  return bytes;
}

async function timed<T>(what: string, ask: () => Promise<T>, rounds = 1): Promise<number> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    await ask();
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  const { user, system } = process.cpuUsage(cpu);
  const worst = rounds > 1 ? ` (worst of ${rounds}: ${times.at(-1)?.toFixed(1)})` : '';
  // On a busy machine, what it costs says more than how long it takes.
  const cpuMs = (user + system) / 1000 / rounds;
  console.log(`${what.padEnd(52)} ${median.toFixed(2)} ms, ${cpuMs.toFixed(2)} ms of CPU${worst}`);
  return median;
}

async function lookThroughLines(paths: readonly string[]): Promise<number> {
  let found = 0;
  for (const path of paths) {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      if (JSON.stringify(JSON.parse(line)).includes(NEEDLE)) found += 1;
    }
  }
  return found;
}

function speed(what: string, bytes: number, look: () => unknown): number {
  const begin = performance.now();
  look();
  const rate = bytes / MB / ((performance.now() - begin) / 1000);
  console.log(`${what.padEnd(52)} ${rate.toFixed(0)} MB/s`);
  return rate;
}

const base: string = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'stored-index-bench-'));
try {
  const logs = join(base, 'logs');
  const begin = performance.now();
  const bytes = makeTree(logs);
  console.log(
    `${RUNS} runs, ${(bytes / MB).toFixed(0)} MB, made in ${((performance.now() - begin) / 1000).toFixed(1)} s`,
  );
  const options = { logs, index: join(base, 'index') };
  const first = new JobLogReader(options);
  await timed('first page, nothing indexed', () => first.listJobs({}));
  await timed('a page that asks all days, nothing indexed', () => first.listJobs({ operation: 'none' }));
  console.log(`memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most`);
  await first.close();
  const indexBytes = readdirSync(options.index).reduce(
    (sum, name) => sum + statSync(join(options.index, name)).size,
    0,
  );
  console.log(`index ${(indexBytes / MB).toFixed(1)} MB`);

  const reader = new JobLogReader(options);
  await timed('first page, index opened', () => reader.listJobs({}));
  await timed('a page that asks all days, index opened', () => reader.listJobs({ operation: 'none' }));
  await timed('first page', () => reader.listJobs({}), 21);
  await timed('page of a rare operation', () => reader.listJobs({ operation: 'rare' }), 21);
  await timed('page of failures', () => reader.listJobs({ status: 'failure' }), 21);
  await timed('no such operation: all rows asked', () => reader.listJobs({ operation: 'none' }), 21);
  await timed('page of a day', () => reader.listJobs({ from: '2026-11-12', to: '2026-11-12' }), 21);
  const lastOf = await reader.listJobs({ from: '2026-11-10', to: '2026-11-10', limit: 10_000 });
  let cursor = lastOf.next_cursor;
  for (let page = lastOf; page.has_more && page.next_cursor !== undefined; ) {
    cursor = page.next_cursor;
    page = await reader.listJobs({ limit: 10_000, cursor });
  }
  const end = await reader.listJobs({ limit: 10_000, ...(cursor === undefined ? {} : { cursor }) });
  const near = end.jobs.at(-101) ?? end.jobs[0];
  const lastCursor = Buffer.from(
    JSON.stringify([Date.parse(near?.started_at ?? ''), near?.job_id, near?.run]),
  ).toString('base64url');
  await timed('last page', () => reader.listJobs({ cursor: lastCursor }), 21);
  let asked = 0;
  const someRun = (): string => {
    asked += 1;
    return runOf(Math.floor((((asked * 7919) % 997) / 997) * RUNS)).id;
  };
  await timed('one run by its id', () => reader.getJob(someRun()), 101);
  await timed('an id that there is not', () => reader.getJob('none').catch(() => undefined), 21);
  await timed('a text in messages, first page', () => reader.listJobs({ query: 'rows of a' }), 5);
  const rate = (what: string, ms: number): number => {
    console.log(`${what.padEnd(52)} ${((bytes / MB / ms) * 1000).toFixed(0)} MB/s`);
    return (bytes / MB / ms) * 1000;
  };
  const search = async (): Promise<void> => {
    const { hits } = await reader.search({ needle: NEEDLE });
    if (hits.length !== 1) throw new Error(`${hits.length} hits`);
  };
  await search();
  const ours = rate('search', await timed('search of a needle', search, 3));
  const listing = async (): Promise<void> => {
    const { jobs } = await reader.listJobs({ query: NEEDLE });
    if (jobs.length !== 1) throw new Error(`${jobs.length} jobs`);
  };
  rate('list with a text', await timed('list of runs with a needle', listing, 2));
  console.log(
    `memory ${(process.memoryUsage().rss / MB).toFixed(0)} MB, ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most`,
  );
  await reader.close();

  const sample = readdirSync(logs)
    .flatMap((day) => readdirSync(join(logs, day)).map((name) => join(logs, day, name)))
    .slice(0, SAMPLE_FILES);
  const sampleBytes = sample.reduce((sum, path) => sum + statSync(path).size, 0);
  const jq = speed('jq on a sample', sampleBytes, () =>
    execFileSync('xargs', ['-0', 'jq', '-c', `select(tostring | contains("${NEEDLE}"))`], {
      input: sample.join('\0'),
      maxBuffer: 64 * MB,
    }),
  );
  const lines = performance.now();
  await lookThroughLines(sample);
  console.log(
    `${'readline and JSON.parse on a sample'.padEnd(52)} ${(sampleBytes / MB / ((performance.now() - lines) / 1000)).toFixed(0)} MB/s`,
  );
  speed('grep -rF on all', bytes, () => execFileSync('grep', ['-rlF', NEEDLE, logs]));
  console.log(`search is ${(ours / jq).toFixed(0)} times jq`);
} finally {
  rmSync(base, { recursive: true });
}
