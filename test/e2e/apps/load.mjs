/**
 * Many short runs: `node load.mjs <runs> <log lines of each> [runs per second]`, by default as many at a time as the event
 * loop takes without starving. Prints `submitted <n>` about every second, at the end what it took as one line of JSON, and
 * ends when its stdin is closed.
 */
import { once } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { runTask, start } from 'taskspan';

const [runs = 1000, lines = 5, perSecond = Number.POSITIVE_INFINITY] = process.argv.slice(2).map(Number);
/** Runs that are open at one time; then the event loop gets a turn. */
const BATCH = 50;
const TICK_MS = 20;

const taskspan = start();
const mebibytes = [];
const began = performance.now();
let nextReport = began + 1000;
for (let next = 0; next < runs; ) {
  const allowed = ((performance.now() - began) / 1000) * perSecond - next;
  const now = Math.min(BATCH, runs - next, Number.isFinite(perSecond) ? Math.floor(allowed) : BATCH);
  await Promise.all(Array.from({ length: Math.max(0, now) }, (_, at) => run(next + at)));
  next += Math.max(0, now);
  if (performance.now() >= nextReport) report(next);
  await (Number.isFinite(perSecond) ? sleep(TICK_MS) : turn());
}
const submitted = performance.now();
await taskspan.forceFlush();
const flushed = performance.now();
const { user, system } = process.cpuUsage();
const figures = {
  submitSeconds: (submitted - began) / 1000,
  flushSeconds: (flushed - submitted) / 1000,
  cpuSeconds: (user + system) / 1e6,
  peakMebibytes: process.resourceUsage().maxRSS / 1024,
  mebibytes,
};
console.log(JSON.stringify(figures));
process.stdin.resume();
await once(process.stdin, 'end');

async function run(number) {
  await runTask(
    'load',
    async (task) => {
      for (let line = 1; line <= lines; line++) task.log('info', 'a line of the usual length, with a number', { line });
      await undefined;
    },
    { id: `run-${number}` },
  );
}

function report(count) {
  mebibytes.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
  console.log(`submitted ${count}`);
  nextReport = performance.now() + 1000;
}
