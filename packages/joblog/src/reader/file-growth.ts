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

/**
 * Why waiting ended: somebody wrote to a file that is followed; it is time to look for files, because there is another one
 * or because nobody might have told; nobody waits any more.
 */
export type Growth = 'changed' | 'due' | 'ended';

/** Waits until files grow. */
export class FileGrowth {
  readonly #options: GrowthOptions;
  #paths = '';
  #unwatch: (() => void) | undefined;
  #isChanged = false;
  #isDue = false;
  #isEnded = false;
  #wake: (() => void) | undefined;
  #wokenAt = 0;

  constructor(options: GrowthOptions) {
    this.#options = options;
  }

  /**
   * @param files that are there
   * @param expected may come to be there; so may the files under other compressions
   */
  async follow(files: readonly LogFile[], expected: readonly LogFile[]): Promise<void> {
    const paths = new Set(files.map(({ path }) => path));
    const others = [...files, ...expected].flatMap((file) =>
      COMPRESSIONS.map((compression) => logFileAs(file, compression).path).filter((path) => !paths.has(path)),
    );
    const key = [...paths, '', ...others].join('\0');
    if (key === this.#paths && this.#unwatch !== undefined) return;
    this.#unwatch?.();
    this.#paths = key;
    this.#unwatch = await this.#watch([...paths], [...new Set(others)]);
    // What was written before the watch began nobody tells.
    if (this.#unwatch !== undefined) this.#isChanged = true;
    if (this.#isEnded) this.end();
  }

  /** @param ms at most so long, if that is earlier than the next look */
  async next(ms: number = Number.POSITIVE_INFINITY): Promise<Growth> {
    const { refreshMs } = this.#options;
    const lookMs = this.#unwatch === undefined ? refreshMs : Math.max(WATCHED_LOOK_MS, refreshMs);
    const isTold = (): boolean => this.#isChanged || this.#isDue;
    await this.#sleep(Math.min(ms, lookMs), isTold);
    // What is written in small pieces is read in larger ones.
    if (isTold()) await this.#sleep(this.#wokenAt + MIN_WAIT_MS - performance.now(), () => false);
    this.#wokenAt = performance.now();
    if (this.#isEnded) return 'ended';
    const why = this.#isChanged && !this.#isDue ? 'changed' : 'due';
    // A folder may have come in the place of the one that was watched.
    if (why === 'due') this.#paths = '';
    this.#isChanged = false;
    this.#isDue = false;
    return why;
  }

  /** Lets go of the files; whoever waits is told. */
  end(): void {
    this.#isEnded = true;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#wake?.();
  }

  /** @returns ends it; undefined where the file system does not tell of all of them */
  async #watch(paths: readonly string[], others: readonly string[]): Promise<(() => void) | undefined> {
    const { watch } = this.#options;
    const unwatch = await watch.add(paths, () => {
      this.#isChanged = true;
      this.#wake?.();
    });
    const unwatchOthers = await watch.add(others, () => {
      this.#isDue = true;
      this.#wake?.();
    });
    if (unwatch === undefined || unwatchOthers === undefined) {
      unwatch?.();
      unwatchOthers?.();
      return undefined;
    }
    return () => {
      unwatch();
      unwatchOthers();
    };
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
