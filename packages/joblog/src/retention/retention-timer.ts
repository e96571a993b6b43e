import { reportOnce, state } from '@taskspan/core/hub';
import { type PruneOptions, pruneLogs } from './prune-logs.ts';
import { readLastRetention } from './retention-lock.ts';

const HOUR_MS = 3_600_000;
/** Between two files, so that an application on the same processor hardly notices. */
const PAUSE_EVERY = 50;
const PAUSE_MS = 20;

/** Timers captured before an application's test replaces them by fake ones. */
const { setTimeout, clearTimeout } = globalThis;

export interface RetentionTimerOptions extends Pick<PruneOptions, 'logs' | 'limits' | 'compression'> {
  /** Milliseconds until the first time. Default: between one and eleven minutes, so that not all processes begin at once. */
  readonly firstAfterMs?: number | undefined;
  /** Between two times, whichever process does it. Default: an hour. */
  readonly everyMs?: number | undefined;
  /** Called after each look, for whoever waits for it. */
  readonly onLook?: ((didPrune: boolean) => void) | undefined;
}

/**
 * Tidies a logs folder in the background, about once an hour, in one of the processes that share it. It keeps no process
 * alive. What the folder holds is told in `state.logsFolder`, whichever process has counted.
 */
export class RetentionTimer {
  readonly #options: RetentionTimerOptions;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout;
  #working: Promise<void> = Promise.resolve();

  constructor(options: RetentionTimerOptions) {
    this.#options = options;
    this.#timer = this.#after(options.firstAfterMs ?? 60_000 + Math.random() * 600_000);
  }

  /** Resolves when nothing of it goes on any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#working;
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#working = this.#look();
    }, ms).unref();
  }

  async #look(): Promise<void> {
    const { logs, everyMs = HOUR_MS, onLook } = this.#options;
    let didPrune = false;
    try {
      const last = await readLastRetention(logs);
      // A time in the future is that of a clock that was set back since.
      const age = last === undefined ? Number.POSITIVE_INFINITY : Math.abs(Date.now() - last.atMs);
      didPrune = age >= everyMs && (await this.#prune());
      const now = didPrune ? await readLastRetention(logs) : last;
      if (now !== undefined) state.logsFolder = { files: now.files, bytes: now.bytes };
    } catch (error) {
      reportOnce('retention', `the logs folder ${logs} cannot be tidied: ${String(error)}`);
    }
    if (!this.#stopping.signal.aborted) this.#timer = this.#after(everyMs);
    onLook?.(didPrune);
  }

  async #prune(): Promise<boolean> {
    const { logs, limits, compression } = this.#options;
    let files = 0;
    const pause = async (): Promise<void> => {
      files += 1;
      if (files % PAUSE_EVERY === 0) await new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS).unref());
    };
    const report = await pruneLogs({ logs, limits, compression, pause, signal: this.#stopping.signal });
    const [problem] = report?.problems ?? [];
    if (problem !== undefined) reportOnce('retention.problem', `retention of job logs: ${problem}`);
    return report !== undefined;
  }
}
