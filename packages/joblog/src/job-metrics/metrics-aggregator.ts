import { resolve } from 'node:path';
import { reportOnce } from '@taskspan/core/hub';
import { readLastRetention } from '../retention/retention-lock.ts';
import type { Counted } from './counted.ts';
import type { LineTaker } from './event-lines.ts';
import { type ExpositionOptions, exposition } from './exposition.ts';
import { MetricCells } from './metric-cells.ts';
import { MetricsState } from './metrics-state.ts';
import { RunBook } from './run-book.ts';
import { runEvent } from './run-event.ts';
import { Scrapers } from './scrapers.ts';
import { TextHash } from './text-hash.ts';
import { TimeSlice } from './time-slice.ts';
import { TreeReading } from './tree-reading.ts';

/** `Content-Type` of what {@link MetricsAggregator.render} returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What a process that is killed has counted since, the next one reads once more. */
const SAVE_MS = 10_000;

/** Of the time, saving may take one part in so many. */
const SAVE_SHARE = 30;

/** Nobody who asks waits for saving that takes longer, in milliseconds. */
const QUICK_MS = 200;

/** How often it is looked for runs that can be forgotten. */
const FORGET_MS = 60_000;

export interface MetricsAggregatorOptions {
  /** Logs folder, or several whose runs are counted once each. */
  readonly logs: string | readonly string[];
  /** Folder that keeps what was counted (`<dir>/index`); without it everything is read again by the next process. */
  readonly state?: string | undefined;
  /** Before the names of `async_*`, as `TASKSPAN_NAMESPACE`. */
  readonly namespace?: string | undefined;
}

export interface RenderOptions {
  /** Who scrapes again and again, as `scraperOf` tells it. Without it all is shown as it stands. */
  readonly scraper?: string | undefined;
}

/**
 * Metrics from the files of a store: what each job used, and the runs of processes that are gone before anybody scrapes
 * them (those whose `task.started` says `task.metrics=files`; the others count their own).
 *
 * A refresh reads what is new since the last one. Counters never fall: not when retention deletes files, and, with a
 * state folder, not over a restart.
 */
export class MetricsAggregator {
  readonly #folders: readonly string[];
  readonly #namespace: string | undefined;
  readonly #state: MetricsState | undefined;
  readonly #scrapers = new Scrapers();
  #counted: Counted;
  #held: ExpositionOptions['held'];
  #isLoaded = false;
  #readings = 0;
  #forgottenAt = 0;
  /** True while the state on the disk is not what was counted. */
  #isDirty = false;
  #saveAfter = 0;
  /** How long it took the last time. */
  #saveMs = 0;
  #saving: Promise<void> | undefined;
  /** The reading that goes on, or the one that waits for it; whatever comes later shares that. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor({ logs, state, namespace }: MetricsAggregatorOptions) {
    this.#folders = [...new Set((typeof logs === 'string' ? [logs] : logs).map((folder) => resolve(folder)))];
    this.#namespace = namespace;
    this.#state = state === undefined ? undefined : new MetricsState(state);
    this.#counted = this.#nothing();
  }

  /**
   * Reads what is new in the files. A call sees what was written before it; calls that wait share one reading. Never
   * rejects: what cannot be read is reported once, and tried again.
   */
  refresh(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#read().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.refresh();
    });
    return this.#next;
  }

  /** The text of the Prometheus exposition format, as of the last refresh. */
  render({ scraper }: RenderOptions = {}): string {
    const { cells, book } = this.#counted;
    const nowMs = Date.now();
    const lastReading = scraper === undefined ? undefined : this.#scrapers.next(scraper, cells.reading);
    const open = book.open(nowMs);
    return exposition(cells, { open, nowMs, namespace: this.#namespace, lastReading, held: this.#held });
  }

  /** Saves what was counted. Nothing is open afterwards, and another refresh is allowed. Never rejects. */
  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#saving;
    await this.#save();
  }

  async #read(): Promise<void> {
    try {
      if (!this.#isLoaded) this.#counted = (await this.#state?.load(() => this.#nothing())) ?? this.#counted;
      this.#isLoaded = true;
      // What is written must not change meanwhile.
      await this.#saving;
      const { cells, book, trees } = this.#counted;
      cells.reading = this.#readings;
      const slice = new TimeSlice();
      for (const tree of trees) {
        if (await tree.read((day) => taker(cells, book, day), slice)) this.#isDirty = true;
      }
      this.#readings += 1;
      this.#held = await heldIn(this.#folders);
      this.#forget();
      if (performance.now() >= this.#saveAfter) {
        const isQuick = this.#saveMs < QUICK_MS;
        this.#saving = this.#save();
        if (isQuick) await this.#saving;
      }
    } catch (error) {
      reportOnce('metrics.refresh', `metrics cannot be made from the files: ${String(error)}`);
    }
  }

  #forget(): void {
    if (performance.now() < this.#forgottenAt + FORGET_MS) return;
    this.#forgottenAt = performance.now();
    const { book, trees } = this.#counted;
    book.forget((day) => trees.some((tree) => tree.days.has(day)), Date.now());
  }

  async #save(): Promise<void> {
    if (!this.#isDirty || this.#state === undefined) return;
    const startedAt = performance.now();
    if (await this.#state.save(this.#counted)) this.#isDirty = false;
    const now = performance.now();
    this.#saveMs = now - startedAt;
    this.#saveAfter = now + Math.max(SAVE_MS, this.#saveMs * SAVE_SHARE);
  }

  #nothing(): Counted {
    const cells = new MetricCells();
    const hash = new TextHash();
    const trees = this.#folders.map((folder) => new TreeReading(folder, hash));
    return { cells, book: new RunBook(cells, hash), trees, hash };
  }
}

function taker(cells: MetricCells, book: RunBook, day: string): LineTaker {
  return {
    record: (record) => {
      const event = runEvent(record, Date.now());
      if (event !== undefined) book.take(event, day);
    },
    skipped: () => {
      cells.skippedLines += 1;
    },
  };
}

/** What the process said that tidied each of them last. */
async function heldIn(folders: readonly string[]): Promise<ExpositionOptions['held']> {
  const last = (await Promise.all(folders.map(readLastRetention))).filter((one) => one !== undefined);
  if (last.length === 0) return undefined;
  return last.reduce((sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }), {
    files: 0,
    bytes: 0,
  });
}
