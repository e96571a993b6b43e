/**
 * Many short runs: `node load.mjs <runs> <log lines of each> [runs per second]`, by default as many at a time as the event
 * loop takes without starving. Prints `began`, about every second `submitted <n>`, `submitted all`; when its stdin is
 * closed it prints what it took as one line of JSON, and ends.
 */
import { once } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { runTask } from 'taskspan';

const [runs = 1000, lines = 5, perSecond = Number.POSITIVE_INFINITY] = process.argv.slice(2).map(Number);
/** Runs that are open at one time; then the event loop gets a turn. */
const BATCH = 50;
const TICK_MS = 20;

const mebibytes = [];
console.log('began');
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
const submitSeconds = (performance.now() - began) / 1000;
console.log('submitted all');
process.stdin.resume();
await once(process.stdin, 'end');
const { user, system } = process.cpuUsage();
const peakMebibytes = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ submitSeconds, cpuSeconds: (user + system) / 1e6, peakMebibytes, mebibytes }));

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
