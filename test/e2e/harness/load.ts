import assert from 'node:assert/strict';
import { join } from 'node:path';
import { AppProcess } from './app-process.ts';
import type { CollectorServer } from './collector-server.ts';
import { assertDelivered } from './delivered-runs.ts';
import { JobLogTree } from './job-log-tree.ts';
import { poll } from './poll.ts';

/** Log lines of each run, besides its span. */
export const LINES = 5;

/** Log records of each run: `task.started`, the lines, `task.ended`. */
export const RECORDS: number = LINES + 2;

/** Time between two looks at the Collector's memory. */
const SAMPLE_MS = 250;

export interface LoadOptions {
  readonly runs: number;
  /** Without one the app writes its files itself. */
  readonly collector?: CollectorServer;
  /** Runs a second; undefined for as many as go. */
  readonly perSecond?: number;
  /** `TASKSPAN_RUN_FILES_PER_HOUR`; the default of the toolkit when undefined. */
  readonly filesPerHour?: string;
  /** Data folder of the app. */
  readonly folder: string;
}

/** What the app says of itself at the end. */
interface AppFigures {
  /** From the first run to the end of the last one. */
  readonly submitSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
  /** Resident memory, one figure a second. */
  readonly mebibytes: readonly number[];
}

/** What a load took. */
export interface LoadResult {
  readonly runs: number;
  readonly app: AppFigures;
  /** From the first run to the last record in a file; with the end of the app where that writes the files. */
  readonly seconds: number;
  readonly files: number;
  readonly collector: CollectorFigures | undefined;
}

interface CollectorFigures {
  readonly cpuSeconds: number;
  /** The highest that was seen. */
  readonly peakMebibytes: number;
}

/** A load of many runs under way, from an app in a process of its own. */
export class Load {
  readonly app: AppProcess;
  readonly #options: LoadOptions;
  #collectorPeak = 0;

  constructor(options: LoadOptions) {
    const { runs, collector, perSecond, filesPerHour, folder } = options;
    this.#options = options;
    this.app = new AppProcess({
      app: 'load.mjs',
      args: [runs, LINES, ...(perSecond === undefined ? [] : [perSecond])].map(String),
      folder,
      env: {
        ...(collector === undefined ? {} : { ...collector.appEnvironment, TASKSPAN_FILES: 'off' }),
        ...(filesPerHour === undefined ? {} : { TASKSPAN_RUN_FILES_PER_HOUR: filesPerHour }),
      },
    });
  }

  /** Where its files are written, by whomever. */
  get logsFolder(): string {
    const { collector, folder } = this.#options;
    return collector?.logsFolder ?? join(folder, 'logs');
  }

  /**
   * Waits until every record and span is in a file, ends the app, and checks that none is missing.
   *
   * @param timeoutMs for what is still on its way when the last run has ended
   */
  async finish(timeoutMs = 60_000): Promise<LoadResult> {
    const { runs, collector } = this.#options;
    await this.app.printed(/^began$/m);
    const began = performance.now();
    const watch = setInterval(() => void this.#sample().catch(() => undefined), SAMPLE_MS);
    let collectorFigures: CollectorFigures | undefined;
    try {
      await this.app.printed(/^submitted all$/m);
      if (collector !== undefined) {
        await poll('everything at the Collector', () => this.#assertWritten(collector), { timeoutMs });
      }
    } finally {
      clearInterval(watch);
    }
    const written = performance.now();
    if (collector !== undefined) {
      await this.#sample();
      const cpuSeconds = (await collector.ownMetrics()).sum('otelcol_process_cpu_seconds') ?? 0;
      collectorFigures = { cpuSeconds, peakMebibytes: this.#collectorPeak };
    }
    const { code, stdout, stderr } = await this.app.finish();
    const seconds = ((collector === undefined ? performance.now() : written) - began) / 1000;
    assert.equal(code, 0, stderr);
    // A warning is right when the load has more runs than the budget has files.
    assert.match(stderr, /^(taskspan: more than \d+ runs in an hour[^\n]*\n)?$/);
    const app = JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] ?? '') as AppFigures;
    const tree = new JobLogTree(this.logsFolder);
    assertDelivered(tree, { runs, records: RECORDS });
    return { runs, app, seconds, files: tree.files.length, collector: collectorFigures };
  }

  async #assertWritten(collector: CollectorServer): Promise<void> {
    const own = await collector.ownMetrics();
    const { runs } = this.#options;
    const written = (what: string): number => own.sum(`otelcol_exporter_sent_${what}`, { exporter: 'file' }) ?? 0;
    assert.ok(written('log_records') >= runs * RECORDS, `${written('log_records')} records`);
    assert.ok(written('spans') >= runs, `${written('spans')} spans`);
  }

  async #sample(): Promise<void> {
    const own = await this.#options.collector?.ownMetrics();
    const bytes = own?.sum('otelcol_process_memory_rss') ?? 0;
    this.#collectorPeak = Math.max(this.#collectorPeak, Math.round(bytes / 2 ** 20));
  }
}
