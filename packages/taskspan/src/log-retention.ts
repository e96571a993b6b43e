import { reportOnce } from '@taskspan/core/hub';
import type { RetentionTimer } from '@taskspan/joblog/retention';
import type { Config } from './config.ts';

/** Most processes end before there is anything to do: until then nothing of it is loaded. */
const FIRST_MS = 60_000;
/** Processes that start together look one after the other. */
const SPREAD_MS = 600_000;

const { setTimeout, clearTimeout } = globalThis;

/** Keeps the log files of this process within their limits, in the background, when it lives long enough. */
export class LogRetention {
  readonly #first: NodeJS.Timeout;
  #timer: Promise<RetentionTimer | undefined> | undefined;

  private constructor(logs: string, { retention, compression }: Config) {
    this.#first = setTimeout(
      () => {
        this.#timer = this.#load(logs, retention, compression);
      },
      FIRST_MS + Math.random() * SPREAD_MS,
    ).unref();
  }

  /** @returns undefined where nothing is written, or nothing is to be deleted */
  static begin(logs: string | undefined, config: Config): LogRetention | undefined {
    return logs === undefined || config.retention === undefined ? undefined : new LogRetention(logs, config);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#first);
    await (await this.#timer)?.stop();
  }

  async #load(
    logs: string,
    limits: Config['retention'],
    compression: Config['compression'],
  ): Promise<RetentionTimer | undefined> {
    if (limits === undefined) return undefined;
    try {
      const { RetentionTimer } = await import('@taskspan/joblog/retention');
      return new RetentionTimer({ logs, limits, compression, firstAfterMs: 0 });
    } catch (error) {
      // An application that was bundled, or whose modules were removed while it ran.
      reportOnce('retention', `old job logs are not deleted: ${String(error)}`);
      return undefined;
    }
  }
}
