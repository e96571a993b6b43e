/**
 * Runs the test suites of job libraries without and with the flag, and says what differs:
 *
 *     npm run test:suites -- <folder of checkouts> [--keep] [name ...]
 *
 * The folder holds a checkout of each library, named as its package (`bullmq`, `cron`, ...), at the version to try and
 * with its dependencies installed (`npm ci --ignore-scripts`); nothing is changed there. Redis is started where those
 * suites look for it, at 127.0.0.1:6379, which has to be free; PostgreSQL at any port.
 *
 * A library's tests import its sources, which no hook can know as the package. So they run in a copy, in which they
 * import the package of the same version from npm: see `suite-table.ts`. What fails both ways counts as the same (some
 * tests look into sources, or live on short times). Where results differ, both runs are made once more, and what differs
 * again is printed. How many runs of tasks were captured is printed too: where there are none, nothing was tried.
 *
 * Exit code 1: a result differs, or nothing was captured. `--keep` leaves copies, output and log files where they are.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { JobLogTree } from '../e2e/harness/job-log-tree.ts';
import { PostgresServer } from '../e2e/harness/postgres-server.ts';
import { RedisServer } from '../e2e/harness/redis-server.ts';
import { ScratchFolder } from '../e2e/harness/scratch-folder.ts';
import { cachedInstall, NODE_VERSIONS, nodeExecutable } from '../pack/cached-install.ts';
import { packAll } from '../pack/tarballs.ts';
import { copySuite } from './suite-copy.ts';
import { countOf, RESULTS, type SuiteResults, testResults } from './suite-results.ts';
import { OWN_SUITES, type OwnSuite } from './suite-table.ts';

/** A suite that waits for ever is a result too. */
const TIMEOUT_MS = 900_000;

/** Where a suite is, and what runs it. */
interface Place {
  readonly copy: string;
  readonly node: string;
}

interface Comparison {
  readonly without: SuiteResults;
  readonly flagged: SuiteResults;
  /** Runs of tasks that were captured, by library. */
  readonly captured: ReadonlyMap<string, number>;
  /** Names of tests. */
  readonly different: readonly string[];
}

const keep = process.argv.includes('--keep');
const [folder, ...wanted] = process.argv.slice(2).filter((argument) => argument !== '--keep');
if (folder === undefined) throw new Error('say where the checkouts are: npm run test:suites -- <folder> [name ...]');

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const register = await installedRegister();
for (const suite of OWN_SUITES) {
  if (wanted.length > 0 && !wanted.includes(suite.name)) continue;
  const checkout = resolve(folder, suite.name);
  if (existsSync(checkout)) await tryOut(suite, checkout);
  else console.log(`${suite.name}: no checkout`);
}

/** As an application has it: what compiles modules as they are loaded leaves out what is in `node_modules`. */
async function installedRegister(): Promise<string> {
  const tarballs = await packAll();
  try {
    const install = await cachedInstall({ '@opentelemetry/api': '1.9.1' }, tarballs.paths);
    return pathToFileURL(join(install, 'node_modules', 'taskspan', 'dist', 'register.js')).href;
  } finally {
    tarballs.remove();
  }
}

async function tryOut(suite: OwnSuite, checkout: string): Promise<void> {
  const scratch = new ScratchFolder();
  try {
    const copy = scratch.folder(suite.name);
    const version = await copySuite(checkout, copy, suite);
    const node = suite.newest === true ? await nodeExecutable(NODE_VERSIONS[24]) : process.execPath;
    const first = await compare(suite, { copy, node });
    const isClear = first.different.every((name) => suite.carrierShows?.test(name));
    const last = isClear ? first : await compare(suite, { copy, node });
    report(`${suite.name} ${version}`, last);
    const different = last.different.filter((name) => first.different.includes(name));
    for (const name of different) reportDifference(name, last, suite);
    if (!last.captured.has(suite.name)) process.exitCode = 1;
    if (keep) console.log(`  ${scratch.path}`);
  } finally {
    if (!keep) scratch.remove();
  }
}

function report(title: string, { without, flagged, captured }: Comparison): void {
  const summary = (results: SuiteResults): string =>
    RESULTS.map((result) => `${countOf(results, result)} ${result}`).join(', ');
  const runs = [...captured].map(([library, count]) => `${count} of ${library}`).join(', ');
  console.log(`${title} | without: ${summary(without)} | with: ${summary(flagged)} | runs: ${runs || 'none'}`);
}

function reportDifference(name: string, { without, flagged }: Comparison, { carrierShows }: OwnSuite): void {
  const isCarrier = carrierShows?.test(name) === true;
  if (!isCarrier) process.exitCode = 1;
  const results = `${without.get(name) ?? 'absent'} without, ${flagged.get(name) ?? 'absent'} with`;
  console.log(`  ${results}${isCarrier ? ', as it reads the carrier' : ''}: ${name}`);
}

async function compare(suite: OwnSuite, place: Place): Promise<Comparison> {
  const without = await runSuite(suite, place);
  const files = join(dirname(place.copy), 'taskspan');
  rmSync(files, { recursive: true, force: true });
  const flagged = await runSuite(suite, place, {
    NODE_OPTIONS: `--import=${register}`,
    TASKSPAN_DIR: files,
    TASKSPAN_QUIET: '1',
    ...(suite.optIn === true && { TASKSPAN_INSTRUMENTATIONS: `+${suite.name}` }),
  });
  const captured = new Map<string, number>();
  for (const { eventName, attributes } of new JobLogTree(join(files, 'logs')).records) {
    if (eventName !== 'task.started') continue;
    const library = String(attributes['task.library']);
    captured.set(library, (captured.get(library) ?? 0) + 1);
  }
  const names = new Set([...without.keys(), ...flagged.keys()]);
  const different = [...names].filter((name) => without.get(name) !== flagged.get(name));
  return { without, flagged, captured, different };
}

/** @param flag what the flag adds to the environment */
async function runSuite(suite: OwnSuite, place: Place, flag?: Readonly<Record<string, string>>): Promise<SuiteResults> {
  const server = await startServer(suite);
  try {
    const env = { ...process.env, NODE_OPTIONS: '', ...suite.env, ...server.env };
    if (suite.prepare !== undefined) await run(suite.prepare, place, env);
    const { stdout, stderr } = await run(suite.command, place, { ...env, ...flag });
    const file = join(dirname(place.copy), flag === undefined ? 'without' : 'with');
    writeFileSync(`${file}.tap`, stdout);
    writeFileSync(`${file}.stderr`, stderr);
    return testResults(stdout, suite.tape === true);
  } finally {
    await server.stop();
  }
}

interface SuiteServer {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** A new one for each run: what a run leaves in it must not reach the next. */
async function startServer({ server, databases = [] }: OwnSuite): Promise<SuiteServer> {
  if (server === undefined) return { env: {}, stop: async () => {} };
  if (server === 'redis') {
    const redis = await RedisServer.start({ port: '6379' });
    return { env: {}, stop: () => redis.stop() };
  }
  const postgres = await PostgresServer.start();
  for (const name of databases) await postgres.query(`CREATE DATABASE ${name}`);
  const { hostname, port, username } = new URL(postgres.url);
  const env = { PGHOST: hostname, PGPORT: port, PGUSER: username, POSTGRES_HOST: hostname, POSTGRES_PORT: port };
  return { env, stop: () => postgres.stop() };
}

/** Ends when the program and all that it started have; its exit code says nothing that the results do not. */
async function run(
  command: readonly string[],
  { copy, node }: Place,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn(
    node,
    command.flatMap((argument) => expand(argument, copy)),
    { cwd: copy, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  const stop = (): void => endGroup(child);
  const timer = setTimeout(stop, TIMEOUT_MS);
  process.once('exit', stop);
  try {
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  } finally {
    clearTimeout(timer);
    process.removeListener('exit', stop);
  }
  return said;
}

/** A runner of tests starts processes of its own. */
function endGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

/** Node itself knows no patterns of paths. */
function expand(argument: string, copy: string): readonly string[] {
  if (!argument.includes('*')) return [argument];
  const [before = '', after = ''] = basename(argument).split('*');
  return readdirSync(join(copy, dirname(argument)))
    .filter((name) => name.startsWith(before) && name.endsWith(after))
    .map((name) => join(dirname(argument), name));
}
