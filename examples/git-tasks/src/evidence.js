import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeLine } from '@taskspan/joblog';

/**
 * What the files say about the end of one run.
 *
 * @typedef {{operation: string, status: string, seconds: number, file: string}} EndedRun
 */

/**
 * What was recorded about this process, beside what it saw itself.
 *
 * @typedef {object} Evidence
 * @property {string} folder where the data of all processes lies
 * @property {string} logs the folder of the job logs
 * @property {string | undefined} metricsUrl
 * @property {EndedRun[]} runs
 * @property {string[]} differences where own count, metrics and files disagree; empty when all is well
 */

/** @typedef {Map<string, number>} Counts by `<operation> <status>` */

/** A process says where it serves its metrics right after its start, long before its jobs have ended. */
const ENTRY_PATIENCE_MS = 1000;
/** A run's lines are promised within 0.1 s of its end; a busy machine gets more. */
const FILES_PATIENCE_MS = 5000;
const POLL_MS = 50;
/** Difference of two sums of durations that comes from adding them in another order. */
const SUM_TOLERANCE_SECONDS = 1e-6;

/**
 * Compares three counts of the same runs: this application's own, the one served as metrics, and the one in the files.
 *
 * @param {readonly import('./job-queue.js').JobEnd[]} ended
 * @returns {Promise<Evidence>}
 */
export async function readEvidence(ended) {
  const found = await patiently(findProcess, (value) => value !== undefined, ENTRY_PATIENCE_MS);
  if (found === undefined) {
    const [folder = ''] = dataFolders();
    const why = `nothing in ${join(folder, 'processes')} is of this process: was it started with --import taskspan/register?`;
    return { folder, logs: logsFolder(folder), metricsUrl: undefined, runs: [], differences: [why] };
  }
  const { folder, entry } = found;
  const logs = logsFolder(folder);
  const runs = await patiently(
    () => readEndedRuns(logs, entry),
    (some) => some.length >= ended.length,
    FILES_PATIENCE_MS,
  );
  const own = countOf(ended.map(({ job, status }) => ({ operation: job.operation, status })));
  const differences = [...unexpected(ended), ...compare(own, { counts: countOf(runs), name: 'files' })];
  const metricsUrl = entry.metrics_url ?? undefined;
  if (metricsUrl !== undefined) differences.push(...(await compareMetrics(metricsUrl, { own, runs })));
  else if (!metricsArePushed()) differences.push('this process serves no metrics');
  return { folder, logs, metricsUrl, runs, differences };
}

/** Places where the data of this process may lie, the first that can be written to is taken. */
function dataFolders() {
  const { TASKSPAN_DIR, STATE_DIRECTORY, XDG_STATE_HOME } = process.env;
  const state = XDG_STATE_HOME || join(homedir(), '.local', 'state');
  const asked = [TASKSPAN_DIR, STATE_DIRECTORY?.split(':')[0]].filter((path) => path !== undefined && path !== '');
  const beside = fileURLToPath(new URL('../.taskspan', import.meta.url));
  return [...asked, beside, join(state, 'taskspan', 'git-tasks')].map((path) => resolve(path));
}

/** Metrics that go to a collector cannot be read back here. */
function metricsArePushed() {
  const names = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_METRICS_EXPORTER'];
  return names.some((name) => process.env[name]);
}

/** @param {string} folder */
function logsFolder(folder) {
  const names = ['TASKSPAN_LOGS_DIR', 'LOGS_DIR', 'LOGS_BASEPATH', 'DATABUILD_LOGS_DIR'];
  return resolve(names.map((name) => process.env[name]?.trim()).find(Boolean) ?? join(folder, 'logs'));
}

/**
 * @template T
 * @param {() => Promise<T>} read
 * @param {(value: T) => boolean} isEnough
 * @param {number} patienceMs
 * @returns {Promise<T>} what was read last, enough or not
 */
async function patiently(read, isEnough, patienceMs) {
  const until = performance.now() + patienceMs;
  let value = await read();
  while (!isEnough(value) && performance.now() < until) {
    await sleep(POLL_MS);
    value = await read();
  }
  return value;
}

/** @typedef {{instance: string, pid: number, started_at: string, metrics_url: string | null}} ProcessEntry */

/** @returns {Promise<{folder: string, entry: ProcessEntry} | undefined>} what this process said about itself, and where */
async function findProcess() {
  for (const folder of dataFolders()) {
    for (const name of await list(join(folder, 'processes'))) {
      if (!name.endsWith('.json')) continue;
      /** @type {ProcessEntry} */
      const entry = JSON.parse(await readFile(join(folder, 'processes', name), 'utf8'));
      // A file left behind by an earlier process with this number is older than this process.
      if (entry.pid === process.pid && Date.parse(entry.started_at) > performance.timeOrigin - 60_000) {
        return { folder, entry };
      }
    }
  }
  return undefined;
}

/**
 * @param {string} logs
 * @param {ProcessEntry} entry
 * @returns {Promise<EndedRun[]>} all runs of this process that have ended
 */
async function readEndedRuns(logs, { instance }) {
  const firstDay = new Date(performance.timeOrigin).toISOString().slice(0, 10);
  /** @type {EndedRun[]} */
  const runs = [];
  for (const day of await list(logs)) {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || day < firstDay) continue;
    for (const name of await list(join(logs, day))) {
      const file = join(logs, day, name);
      // Files that were finished before this process began cannot hold a run of it.
      if (!name.endsWith('.jsonl') || (await stat(file)).mtimeMs < performance.timeOrigin) continue;
      runs.push(...(await readFileOfRuns(file, instance)));
    }
  }
  return runs;
}

/**
 * @param {string} file
 * @param {string} instance
 * @returns {Promise<EndedRun[]>}
 */
async function readFileOfRuns(file, instance) {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.flatMap((line) => {
    // The last line may be half written; it is read again.
    const decoded = decodeLine(line);
    if (decoded.error !== undefined) return [];
    return decoded.records
      .filter(
        (record) => record.eventName === 'task.ended' && record.resource.attributes['service.instance.id'] === instance,
      )
      .map(({ attributes }) => ({
        operation: String(attributes.operation),
        status: String(attributes['task.status']),
        seconds: Number(attributes['task.duration_seconds']),
        file,
      }));
  });
}

/** @param {readonly {operation: string, status: string}[]} runs */
function countOf(runs) {
  /** @type {Counts} */
  const counts = new Map();
  for (const { operation, status } of runs) {
    const key = `${operation} ${status}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** @param {readonly import('./job-queue.js').JobEnd[]} ended */
function unexpected(ended) {
  return ended
    .filter(({ job, status }) => status !== (job.expected ?? 'success'))
    .map(
      ({ job, status }) =>
        `${job.operation} (${job.label}) was to end as ${job.expected ?? 'success'}, it is ${status}`,
    );
}

/**
 * @param {Counts} own
 * @param {{counts: Counts, name: string}} other
 * @returns {string[]}
 */
function compare(own, { counts, name }) {
  const keys = new Set([...own.keys(), ...counts.keys()]);
  return [...keys]
    .filter((key) => own.get(key) !== counts.get(key))
    .map((key) => `${key}: own count ${own.get(key) ?? 0}, ${name} ${counts.get(key) ?? 0}`);
}

/**
 * @param {string} url
 * @param {{own: Counts, runs: readonly EndedRun[]}} known
 * @returns {Promise<string[]>}
 */
async function compareMetrics(url, { own, runs }) {
  const response = await fetch(url);
  if (!response.ok) return [`${url} answers ${response.status}`];
  const samples = parseSamples(await response.text());
  const differences = [
    ...compare(own, { counts: samples.counts('async_operations_total'), name: 'metrics' }),
    ...compare(own, {
      counts: samples.counts('async_operation_duration_seconds_count'),
      name: 'histogram',
    }),
  ];
  const started = samples.sum('async_operations_started_total');
  if (started !== runs.length) differences.push(`started: metrics ${started}, files ${runs.length}`);
  const running = samples.sum('async_operations_running');
  if (running !== 0) differences.push(`running: metrics ${running}, own count 0`);
  const measured = samples.sum('async_operation_duration_seconds_sum');
  const written = runs.reduce((sum, run) => sum + run.seconds, 0);
  if (!(Math.abs(measured - written) <= SUM_TOLERANCE_SECONDS)) {
    differences.push(`seconds in total: metrics ${measured}, files ${written}`);
  }
  return differences;
}

/**
 * @param {string} text Prometheus exposition format
 * @returns {{counts: (name: string) => Counts, sum: (name: string) => number}} series at 0 are left out of the counts
 */
function parseSamples(text) {
  const samples = [...text.matchAll(/^(\w+)\{(.*)\} (\S+)/gm)].map(([, name = '', labels = '', value]) => ({
    // A namespace stands before the name.
    name: name.replace(/^\w*?(?=async_)/, ''),
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, label]) => [key, label])),
    value: Number(value),
  }));
  return {
    counts: (name) =>
      new Map(
        samples
          .filter((sample) => sample.name === name && sample.value !== 0)
          .map(({ labels, value }) => [`${labels.operation} ${labels.status}`, value]),
      ),
    sum: (name) => samples.reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0),
  };
}

/**
 * @param {string} folder
 * @returns {Promise<string[]>} names in it, sorted; none when it does not exist (yet)
 */
async function list(folder) {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
