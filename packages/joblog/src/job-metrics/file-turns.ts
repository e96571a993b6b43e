import { type Compression, parseLogFileName } from '../reader/log-file.ts';
import type { DayProgress } from './file-progress.ts';
import { listed } from './folder-listing.ts';

/** A file that is to be looked at. */
export interface FileInTurn {
  readonly day: DayProgress;
  /** Without ending. */
  readonly name: string;
  readonly compression: Compression;
}

/** All files there are, one after the other, over as many readings as that takes. */
export class FileTurns {
  readonly #days: ReadonlyMap<string, DayProgress>;
  /** Days that have yet to come in this round; undefined before the next one. */
  #waiting: DayProgress[] | undefined;
  #day: DayProgress | undefined;
  /** Names of its files, the next one last. */
  #names: string[] = [];

  constructor(days: ReadonlyMap<string, DayProgress>) {
    this.#days = days;
  }

  /** The next file; undefined once all had their turn, and then from the start. */
  async next(): Promise<FileInTurn | undefined> {
    this.#waiting ??= [...this.#days.values()];
    for (;;) {
      const fileName = this.#names.pop();
      if (fileName === undefined) {
        this.#day = this.#waiting.pop();
        if (this.#day === undefined) {
          this.#waiting = undefined;
          return undefined;
        }
        this.#names = this.#day.goneSince === undefined ? [...((await listed(this.#day.path)) ?? [])] : [];
        continue;
      }
      const parsed = parseLogFileName(fileName);
      if (parsed !== undefined && this.#day !== undefined) return { day: this.#day, ...parsed };
    }
  }
}
