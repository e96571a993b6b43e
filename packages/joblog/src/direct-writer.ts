import { type Append, Appender, type AppenderOptions } from './appender.ts';
import type { DiskEpisode } from './disk-episode.ts';
import { countLost } from './lost-lines.ts';

/** Writes in the calling thread; what the disk refuses is counted. */
export class DirectWriter {
  readonly #appender: Appender;
  readonly #disk: DiskEpisode;

  constructor(options: AppenderOptions, disk: DiskEpisode) {
    this.#appender = new Appender(options);
    this.#disk = disk;
  }

  /** Writes one after the other, each before the next is asked for. */
  write(appends: Iterable<Append>): void {
    let failed: string | undefined;
    let count = 0;
    for (const append of appends) {
      const failure = this.#appender.append(append);
      count += 1;
      if (failure === undefined) continue;
      failed = failure.code;
      countLost(failure.lost, 'disk');
    }
    if (count > 0) this.#disk.batch(failed);
  }

  /** Lets go of all descriptors; what comes later opens its own. */
  close(): void {
    this.#appender.close();
  }
}
