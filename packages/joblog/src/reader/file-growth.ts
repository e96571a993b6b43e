import type { FolderWatch } from './folder-watch.ts';
import { COMPRESSIONS, type LogFile, logFileAs } from './log-file.ts';

/** A loud writer wakes a reader no more often than this. */
const MIN_WAIT_MS = 20;
/** Where the file system tells of changes, files are looked at this seldom: it may forget to, under load. */
const WATCHED_LOOK_MS = 10_000;

export interface GrowthOptions {
  readonly watch: FolderWatch;
  /** How often the files are looked at where the file system tells of no changes, in milliseconds. */
  readonly refreshMs: number;
}

/** Why waiting ended: somebody wrote; it is time to look at everything; nobody waits any more. */
export type Growth = 'changed' | 'due' | 'ended';

/** Waits until files grow. */
export class FileGrowth {
  readonly #options: GrowthOptions;
  #paths = '';
  #unwatch: (() => void) | undefined;
  #isChanged = false;
  #isEnded = false;
  #wake: (() => void) | undefined;
  #wokenAt = 0;

  constructor(options: GrowthOptions) {
    this.#options = options;
  }

  /** Follows these files, under all the names that they may get. */
  async follow(files: readonly LogFile[]): Promise<void> {
    const paths = [
      ...new Set(files.flatMap((file) => COMPRESSIONS.map((compression) => logFileAs(file, compression).path))),
    ];
    const key = paths.join('\0');
    if (key === this.#paths && this.#unwatch !== undefined) return;
    this.#unwatch?.();
    this.#paths = key;
    this.#unwatch = await this.#options.watch.add(paths, () => this.#change());
    // What was written before the watch began nobody tells.
    this.#isChanged = true;
    if (this.#isEnded) this.end();
  }

  /** @param ms at most so long, if that is earlier than the next look */
  async next(ms: number = Number.POSITIVE_INFINITY): Promise<Growth> {
    const { refreshMs } = this.#options;
    const lookMs = this.#unwatch === undefined ? refreshMs : Math.max(WATCHED_LOOK_MS, refreshMs);
    await this.#sleep(Math.min(ms, lookMs), () => this.#isChanged);
    // What is written in small pieces is read in larger ones.
    if (this.#isChanged) await this.#sleep(this.#wokenAt + MIN_WAIT_MS - performance.now(), () => false);
    this.#wokenAt = performance.now();
    if (this.#isEnded) return 'ended';
    if (!this.#isChanged) return 'due';
    this.#isChanged = false;
    return 'changed';
  }

  /** Lets go of the files; whoever waits is told. */
  end(): void {
    this.#isEnded = true;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#wake?.();
  }

  #change(): void {
    this.#isChanged = true;
    this.#wake?.();
  }

  async #sleep(ms: number, isOver: () => boolean): Promise<void> {
    if (ms <= 0 || this.#isEnded || isOver()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        if (!this.#isEnded && !isOver()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
