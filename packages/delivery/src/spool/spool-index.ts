import { DROP_SIGNALS, type DropSignal } from '@taskspan/core/hub';
import type { DeliveryReport } from '../delivery-report.ts';
import type { SpoolFolder } from './spool-folder.ts';
import { type SpoolEntry, SpoolLane } from './spool-lane.ts';

/** The ways in which what waits on disk is treated. */
export interface Lanes {
  /** What this process could not deliver. */
  readonly own: SpoolLane;
  /** What was taken over from processes that are gone. */
  readonly backlog: SpoolLane;
  /** The last point of cumulative metrics: one at most, and no part of any order. */
  readonly last: SpoolLane;
}

/** What is on disk, in memory: which entry comes next, how much it is, and whose numbers it moves. */
export class SpoolIndex {
  readonly #lanes: Readonly<Record<DropSignal, Lanes>>;
  readonly #reports = new Map<DropSignal, DeliveryReport>();
  /** Entries per folder. */
  readonly #used = new Map<SpoolFolder, number>();
  #bytes = 0;

  constructor() {
    const lanes = (): Lanes => ({ own: new SpoolLane(), backlog: new SpoolLane(), last: new SpoolLane() });
    this.#lanes = { spans: lanes(), logs: lanes(), metrics: lanes() };
  }

  /** What all of it takes on the disk. */
  get bytes(): number {
    return this.#bytes;
  }

  lanes(signal: DropSignal): Lanes {
    return this.#lanes[signal];
  }

  /** Whom to tell about a signal; undefined when this process does not export it. */
  report(signal: DropSignal): DeliveryReport | undefined {
    return this.#reports.get(signal);
  }

  setReport(report: DeliveryReport): void {
    this.#reports.set(report.signal, report);
    this.#publish(report.signal);
  }

  insert(lane: keyof Lanes, entry: SpoolEntry): void {
    this.#lanes[entry.signal][lane].insert(entry);
    this.#bytes += entry.size;
    this.#used.set(entry.folder, (this.#used.get(entry.folder) ?? 0) + 1);
    this.#publish(entry.signal);
  }

  /** @returns false when it is not here any more */
  delete(entry: SpoolEntry): boolean {
    const { own, backlog, last } = this.#lanes[entry.signal];
    if (![own, backlog, last].some((lane) => lane.delete(entry))) return false;
    this.#bytes -= entry.size;
    const left = (this.#used.get(entry.folder) ?? 1) - 1;
    if (left > 0) this.#used.set(entry.folder, left);
    else this.#used.delete(entry.folder);
    this.#publish(entry.signal);
    return true;
  }

  /** All entries, or those of one folder. */
  entries(folder?: SpoolFolder): readonly SpoolEntry[] {
    return DROP_SIGNALS.flatMap((signal) => {
      const { own, backlog, last } = this.#lanes[signal];
      return [own, backlog, last].flatMap((lane) =>
        folder === undefined ? lane.entries : lane.entries.filter((entry) => entry.folder === folder),
      );
    });
  }

  isUsed(folder: SpoolFolder): boolean {
    return this.#used.has(folder);
  }

  /** What goes first when there is no room; what is being sent, and the last point of metrics, stay. */
  oldestWaiting(): SpoolEntry | undefined {
    let found: SpoolEntry | undefined;
    for (const signal of DROP_SIGNALS) {
      const { own, backlog } = this.#lanes[signal];
      for (const lane of [backlog, own]) {
        const entry = lane.oldestWaiting;
        if (entry !== undefined && (found === undefined || entry.createdMs < found.createdMs)) found = entry;
      }
    }
    return found;
  }

  #publish(signal: DropSignal): void {
    const state = this.#reports.get(signal)?.state;
    if (state === undefined) return;
    const lanes = Object.values(this.#lanes[signal]) as SpoolLane[];
    const oldest = lanes.flatMap((lane) => lane.oldest?.createdMs ?? []);
    state.spoolBytes = lanes.reduce((sum, lane) => sum + lane.bytes, 0);
    state.spoolOldestMs = oldest.length === 0 ? undefined : Math.min(...oldest);
  }
}
