/**
 * An ordinary app that uses a real job library, run as its users run it: with `--import taskspan/register` and nothing
 * else. It sees the packages of a lane and the packed toolkit; what it left behind comes back as runs and spans.
 *
 * ```ts
 * for (const { lane, title } of lanesOf('bullmq')) {
 *   it(`${title}: a job that fails`, async () => {
 *     const options = { lane, files: { 'app.mjs': APP }, env: { REDIS_URL: await emptyRedis() } };
 *     const { runs, spans } = await runScenario(options);       // runs to its end; throws unless that is 0
 *     const alone = await runScenario({ ...options, flag: 'none' }); // the same app without the toolkit
 *   });
 * }
 * // Several processes: start them in one folder, wait for what they print, kill them, read what all of them left.
 * const folder = new ScenarioFolder({ lane, files });
 * const worker = await folder.start('worker.mjs', { env });
 * await worker.printed(/ready/);
 * const producer = await folder.run('producer.mjs', { env });
 * worker.kill('SIGKILL'); await worker.ended;
 * folder.report().runs; await folder.remove();
 * ```
 *
 * One file, on the built tree instead of packed packages, one lane:
 * `TASKSPAN_TOOLKIT=. npx mocha --exit --config test/libraries/.mocharc.json --spec test/libraries/bullmq.lib.ts -g oldest`
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AppEnd, AppProcess } from '../e2e/harness/app-process.ts';
import { JobLogTree } from '../e2e/harness/job-log-tree.ts';
import { PrometheusText } from '../e2e/harness/prometheus-text.ts';
import { ScratchFolder } from '../e2e/harness/scratch-folder.ts';
import { laneModules } from './lane-modules.ts';
import type { Lane } from './lanes.ts';
import { type AppSpan, type Run, runsOf, spansOf } from './task-runs.ts';

/** Longer than any app here takes, also on a busy machine. */
const APP_TIMEOUT_MS = 60_000;

const METRICS_AT_END = new URL('./metrics-at-end.mjs', import.meta.url).href;

/** Ways to switch the toolkit on, or not to. */
const FLAGS = {
  import: ['--import', 'taskspan/register'],
  require: ['--require', 'taskspan/register'],
  none: [],
} as const;

export interface AppFiles {
  readonly lane: Lane;
  /** Sources by path; `.mjs` and `.cjs` decide about the module system. */
  readonly files: Readonly<Record<string, string>>;
}

export interface AppCall {
  /** Default `import`. */
  readonly flag?: keyof typeof FLAGS;
  /** For Node, after the flag. */
  readonly nodeArgs?: readonly string[];
  /** For the app. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Keeps `/metrics` as it is when the loop of the app has nothing left to do (not at `process.exit`). */
  readonly metrics?: boolean;
  /** Milliseconds after which it is killed and the test fails. Default 60 s. */
  readonly timeoutMs?: number;
}

export interface Scenario extends AppFiles, AppCall {
  /** File to run. Default: the only one, or `app.mjs`. */
  readonly main?: string;
  /** How it has to end. Default 0; `any` looks at nothing. */
  readonly code?: number | 'any';
}

/** What apps left behind. */
export interface ScenarioReport {
  /** In the order of their start. */
  readonly runs: readonly Run[];
  /** Every span, those of runs too, in the order of their start. */
  readonly spans: readonly AppSpan[];
  /** Those of what put work into a queue. */
  readonly producers: readonly AppSpan[];
  readonly tree: JobLogTree;
  /** Of all processes that ran with `metrics: true` and ended by themselves; empty without. */
  readonly metrics: PrometheusText;
  /** `async_operations_missed_total` by `<operation> <reason>`; needs `metrics: true`. */
  readonly missed: Readonly<Record<string, number>>;
}

export type ScenarioRun = AppEnd & ScenarioReport;

/**
 * Runs one app to its end in a folder of its own, which is removed.
 *
 * @throws Error when it does not end as it should, or leaves a broken line behind
 */
export async function runScenario(scenario: Scenario): Promise<ScenarioRun> {
  const folder = new ScenarioFolder(scenario);
  try {
    const end = await folder.run(scenario.main ?? mainOf(scenario.files), scenario);
    return { ...end, ...folder.report() };
  } finally {
    await folder.remove();
  }
}

/** Runs it with and without the toolkit, and throws unless both end and print alike. Returns the run with the toolkit. */
export async function runAlike(
  scenario: Scenario & { readonly freshEnv?: () => Promise<Readonly<Record<string, string>>> },
): Promise<ScenarioRun> {
  const { freshEnv = () => Promise.resolve({}) } = scenario;
  const run = async (change: Partial<Scenario>): Promise<ScenarioRun> =>
    await runScenario({ ...scenario, ...change, env: { ...scenario.env, ...(await freshEnv()) } });
  // Beside each other: most of them mostly wait.
  const [alone, observed] = await Promise.all([run({ metrics: false, flag: 'none' }), run({})]);
  const shown = ({ code, signal, stdout, stderr }: AppEnd): AppEnd => ({ code, signal, stdout, stderr });
  assert.deepEqual(shown(observed), shown(alone));
  return observed;
}

function mainOf(files: AppFiles['files']): string {
  const [first, ...others] = Object.keys(files);
  return first === undefined || others.length > 0 ? 'app.mjs' : first;
}

/** Where apps of one lane run that share files, data and, by their environment, servers. */
export class ScenarioFolder {
  readonly #options: AppFiles;
  readonly #scratch: ScratchFolder = new ScratchFolder();
  readonly #started: AppProcess[] = [];

  constructor(options: AppFiles) {
    this.#options = options;
  }

  /** Where the app is. */
  get path(): string {
    return this.#scratch.folder('app');
  }

  /** `TASKSPAN_DIR` of its apps. */
  get data(): string {
    return this.#scratch.folder('data');
  }

  /** Starts a file. The handle waits for output (`printed`), kills, reads metrics; see {@link AppProcess}. */
  async start(main: string, call: AppCall = {}): Promise<AppProcess> {
    const { node, path } = await laneModules(this.#options.lane);
    if (this.#started.length === 0) this.#write(path);
    const { flag = 'import', nodeArgs = [], args = [], env = {}, metrics = false } = call;
    const app = new AppProcess({
      app: join(this.path, main),
      args,
      node,
      nodeArgs: [...FLAGS[flag], ...(metrics ? ['--import', METRICS_AT_END] : []), ...nodeArgs],
      folder: this.data,
      cwd: this.path,
      env: { OTEL_SERVICE_NAME: 'library-app', TASKSPAN_TEST_METRICS: this.#scratch.folder('metrics'), ...env },
    });
    this.#started.push(app);
    return app;
  }

  /**
   * Runs a file to its end.
   *
   * @throws Error when it does not end in time, or not with the code of the call
   */
  async run(main: string, call: AppCall & Pick<Scenario, 'code'> = {}): Promise<AppEnd> {
    const { timeoutMs = APP_TIMEOUT_MS, code = 0 } = call;
    const app = await this.start(main, call);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      app.kill('SIGKILL');
    }, timeoutMs);
    const end = await app.ended.finally(() => clearTimeout(timer));
    const said = `${end.stdout}\n${end.stderr}`;
    if (isLate) throw new Error(`${main} did not end within ${timeoutMs} ms:\n${said}`);
    if (code !== 'any' && end.code !== code) throw new Error(`${main} ended with ${end.code ?? end.signal}:\n${said}`);
    return end;
  }

  /** What all its apps have written so far. Whole once they have ended. */
  report(): ScenarioReport {
    const tree = new JobLogTree(join(this.data, 'logs'));
    const spans = spansOf(tree);
    const metrics = new PrometheusText(this.#metricTexts().join('\n'));
    const missed = metrics.samples.filter(({ name, value }) => name === 'async_operations_missed_total' && value > 0);
    return {
      tree,
      runs: runsOf(tree),
      spans,
      producers: spans.filter(({ kind }) => kind === 'PRODUCER'),
      metrics,
      missed: Object.fromEntries(
        missed.map(({ labels, value }) => [`${labels['operation']} ${labels['reason']}`, value]),
      ),
    };
  }

  /** Kills what still runs, and removes everything. */
  async remove(): Promise<void> {
    await Promise.all(this.#started.map((app) => app.stop()));
    this.#scratch.remove();
  }

  #write(modules: string): void {
    symlinkSync(modules, join(this.path, 'node_modules'), 'junction');
    writeFileSync(
      join(this.path, 'package.json'),
      JSON.stringify({ name: 'library-app', version: '1.0.0', private: true }),
    );
    for (const [file, source] of Object.entries(this.#options.files)) {
      mkdirSync(dirname(join(this.path, file)), { recursive: true });
      writeFileSync(join(this.path, file), source);
    }
  }

  #metricTexts(): string[] {
    const folder = this.#scratch.folder('metrics');
    return readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  }
}
