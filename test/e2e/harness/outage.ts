import assert from 'node:assert/strict';
import { AppProcess } from './app-process.ts';
import type { CollectorServer } from './collector-server.ts';
import { assertDelivered, type DeliveredRuns } from './delivered-runs.ts';
import { JobLogTree } from './job-log-tree.ts';
import { LINES, RECORDS } from './load.ts';
import { poll } from './poll.ts';

export interface OutageOptions {
  readonly perSecond: number;
  /** Seconds of load with the Collector there, away, and there again. */
  readonly beforeSeconds: number;
  readonly awaySeconds: number;
  readonly afterSeconds: number;
  /** Data folder of the app. */
  readonly folder: string;
}

/** What an outage did. */
export interface OutageResult extends DeliveredRuns {
  readonly runs: number;
  /** What waited on disk when the Collector came back, and for how long the oldest of it, in seconds. */
  readonly spoolBytes: number;
  readonly spoolOldestSeconds: number;
  /** From the Collector's return until the spool was empty; what came meanwhile went behind it. */
  readonly drainSeconds: number;
  /** Resident memory of the app in MiB, one figure a second. */
  readonly mebibytes: readonly number[];
  readonly appCpuSeconds: number;
}

/** A Collector that goes away under load and comes back. */
export class Outage {
  readonly #collector: CollectorServer;
  readonly #options: OutageOptions;

  constructor(collector: CollectorServer, options: OutageOptions) {
    this.#collector = collector;
    this.#options = options;
  }

  /** Goes through it, and throws unless everything arrived and nothing was counted as lost. */
  async pass(): Promise<OutageResult> {
    const { perSecond, beforeSeconds, awaySeconds, afterSeconds, folder } = this.#options;
    const runs = perSecond * (beforeSeconds + awaySeconds + afterSeconds);
    const app = new AppProcess({
      app: 'load.mjs',
      args: [runs, LINES, perSecond].map(String),
      folder,
      env: {
        ...this.#collector.appEnvironment,
        TASKSPAN_FILES: 'off',
        TASKSPAN_RUN_FILES_PER_HOUR: '0',
        OTEL_METRICS_EXPORTER: 'prometheus,otlp',
      },
    });
    try {
      await submitted(app, perSecond * beforeSeconds);
      await this.#collector.stop();
      await submitted(app, perSecond * (beforeSeconds + awaySeconds));
      const waiting = await app.metrics();
      const back = performance.now();
      await this.#collector.process.start();
      await poll('an empty spool', async () => assert.equal((await app.metrics()).sum('taskspan_spool_bytes'), 0), {
        timeoutMs: 120_000,
      });
      const drainSeconds = (performance.now() - back) / 1000;
      await app.printed(/^submitted all$/m);
      const delivered = await poll('everything in files', () => this.#assertWritten(runs), {
        timeoutMs: 120_000,
        everyMs: 1000,
      });
      assert.equal((await app.metrics()).sum('taskspan_dropped_total'), 0);
      const { code, stdout, stderr } = await app.finish();
      assert.equal(code, 0, stderr);
      const figures = JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] ?? '') as { mebibytes: number[]; cpuSeconds: number };
      return {
        runs,
        ...delivered,
        spoolBytes: waiting.sum('taskspan_spool_bytes') ?? 0,
        spoolOldestSeconds: Math.max(...waiting.values('taskspan_spool_oldest_seconds')),
        drainSeconds,
        mebibytes: figures.mebibytes,
        appCpuSeconds: figures.cpuSeconds,
      };
    } finally {
      await app.stop();
    }
  }

  #assertWritten(runs: number): DeliveredRuns {
    return assertDelivered(new JobLogTree(this.#collector.logsFolder), { runs, records: RECORDS });
  }
}

/** Resolves when the app has said that it has submitted as many. */
async function submitted(app: AppProcess, count: number): Promise<void> {
  await app.printed(/^began$/m);
  await poll(
    `${count} runs`,
    () => {
      const last = /.*^submitted (\d+)$/ms.exec(app.stdout)?.[1];
      assert.ok(Number(last ?? 0) >= count, `${last} runs`);
    },
    { timeoutMs: 300_000, everyMs: 100 },
  );
}
