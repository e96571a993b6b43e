import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readEvidence } from './evidence.js';
import { GitMissing } from './git.js';
import { JobQueue } from './job-queue.js';
import { runJobs } from './jobs.js';
import { LiveView } from './live-view.js';
import { configureLogger } from './logger.js';
import { printSummary } from './summary.js';
import { openWorkspace } from './workspace.js';

const USAGE = `usage: npm start -- [options] [path of a git repository]

Runs background jobs on a clone of the repository (default: the one of this project).

  --keep     go on serving the metrics at the end, until Ctrl-C
  --verbose  print the log of the jobs as well
  --help`;

process.exitCode = await main();

/** @returns {Promise<number>} the exit code: 0, 1 when something went wrong, 2 for wrong arguments, 130 after Ctrl-C */
async function main() {
  const args = readArguments();
  if (typeof args === 'number') return args;
  const stop = stopOnSignal();
  const view = new LiveView(process.stdout);
  configureLogger({ verbose: args.verbose, print: (line) => view.line(line) });
  try {
    const queue = await work(args.path, { view, stop });
    view.close();
    if (stop.aborted) return 130;
    const evidence = await readEvidence(queue.ended);
    printSummary(queue.ended, evidence);
    if (args.keep && evidence.metricsUrl !== undefined) await serve(evidence.metricsUrl, stop);
    return evidence.differences.length === 0 ? 0 : 1;
  } catch (error) {
    view.close();
    if (stop.aborted) return 130;
    console.error(error instanceof GitMissing ? error.message : error);
    return 1;
  }
}

/** @returns {{path: string | undefined, keep: boolean, verbose: boolean} | number} an exit code when there is nothing to do */
function readArguments() {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  try {
    const { values, positionals } = parseArgs({
      options: { keep: flag, verbose: flag, help: flag },
      allowPositionals: true,
    });
    if (positionals.length > 1) throw new TypeError(`one path at most, got ${positionals.length}`);
    if (!values.help) return { path: fromUser(positionals[0]), keep: values.keep, verbose: values.verbose };
    console.log(USAGE);
    return 0;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
}

/**
 * npm changes into the folder of the package; a relative path is meant from where npm was called.
 *
 * @param {string | undefined} path
 */
function fromUser(path) {
  const { INIT_CWD, npm_lifecycle_event } = process.env;
  if (path === undefined) return undefined;
  return npm_lifecycle_event === 'start' && INIT_CWD !== undefined ? resolve(INIT_CWD, path) : resolve(path);
}

/** @returns {AbortSignal} fires when nobody reads any more, and at Ctrl-C or SIGTERM; a second one of these ends the process at once */
function stopOnSignal() {
  const controller = new AbortController();
  process.stdout.on('error', () => controller.abort());
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(name, () => controller.abort());
  return controller.signal;
}

/**
 * @param {string | undefined} path
 * @param {{view: LiveView, stop: AbortSignal}} context
 */
async function work(path, { view, stop }) {
  view.line(`Cloning ${path ?? "this project's repository"} ...`);
  const workspace = await openWorkspace(path, stop);
  try {
    if (workspace.notice !== '') view.line(`${workspace.notice}\n`);
    const commits = await workspace.git(['rev-list', '--all', '--count'], { signal: stop });
    view.line(`Background jobs on a clone of ${workspace.source} (${commits} commits), in ${workspace.folder}\n`);
    const queue = new JobQueue({ view, stop });
    await runJobs(queue, workspace);
    return queue;
  } finally {
    await workspace.remove();
  }
}

/**
 * @param {string} url
 * @param {AbortSignal} stop
 */
async function serve(url, stop) {
  console.log(`\nServing ${url} until Ctrl-C`);
  // The server of the metrics keeps no process alive; this does.
  const alive = setInterval(() => {}, 60_000);
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  clearInterval(alive);
}
