import { once } from 'node:events';

const SCHEDULERS = {
  cron: () => import('./schedulers/cron.js'),
  'node-cron': () => import('./schedulers/node-cron.js'),
  croner: () => import('./schedulers/croner.js'),
};

const library = process.argv[2] ?? 'cron';
if (library in SCHEDULERS) {
  await serve(/** @type {keyof typeof SCHEDULERS} */ (library));
} else {
  console.error(`usage: node src/main.js [${Object.keys(SCHEDULERS).join(' | ')}]`);
  process.exitCode = 2;
}

/** @param {keyof typeof SCHEDULERS} library */
async function serve(library) {
  const { startJobs } = await SCHEDULERS[library]();
  const stopJobs = startJobs();
  console.log(`jobs scheduled with ${library}, until Ctrl-C`);
  const stop = new AbortController();
  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal, { signal: stop.signal })));
  stop.abort();
  console.log('stopping');
  await stopJobs();
}
