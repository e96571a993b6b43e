import type { AnyValue } from '@opentelemetry/api-logs';
import { ATTR } from '@taskspan/core';
import { linuxTreeUse, type TreeUse, treeUse } from './process-tree.ts';

export interface ResourceWatchOptions {
  /** Milliseconds between two heartbeats. */
  readonly heartbeatMs: number;
  /** Called with what the processes use. */
  onHeartbeat(attributes: Record<string, AnyValue>): void;
}

/** A short run is looked at often, a long one seldom: at least when it has become this much older... */
const LOOK_SHARE = 0.25;
const FIRST_LOOK_MS = 50;
/** ...and at least this often. */
const LONGEST_LOOK_MS = 5000;

/** Watches what a process and all below it use, from its launch to its exit. */
export class ResourceWatch {
  readonly #pid: number;
  readonly #options: ResourceWatchOptions;
  readonly #began = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #nextBeat: number;
  #isStopped = false;
  #seen = false;
  #peakBytes = 0;
  #cpuSeconds = 0;

  constructor(pid: number, options: ResourceWatchOptions) {
    this.#pid = pid;
    this.#options = options;
    this.#nextBeat = this.#began + options.heartbeatMs;
    // At once where that can be: the shortest command has been seen then, too.
    this.#take(linuxTreeUse(pid));
    this.#arm();
  }

  /**
   * Ends the watching.
   *
   * @param cpuSeconds processor time of all, if that is known better now
   * @returns the most memory and all the time that was seen; nothing of what was not, or is too little to be measured
   */
  stop(cpuSeconds: number | undefined): Record<string, AnyValue> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    if (!this.#seen) return {};
    this.#cpuSeconds = Math.max(this.#cpuSeconds, cpuSeconds ?? 0);
    return measured({ [ATTR.MEMORY_PEAK]: this.#peakBytes, [ATTR.CPU_SECONDS]: this.#cpuSeconds });
  }

  #arm(): void {
    const now = performance.now();
    const look = Math.min(LONGEST_LOOK_MS, Math.max(FIRST_LOOK_MS, (now - this.#began) * LOOK_SHARE));
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, Math.min(look, this.#nextBeat - now)));
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const use = await treeUse(this.#pid);
    if (this.#isStopped) return;
    this.#take(use);
    const now = performance.now();
    if (now >= this.#nextBeat) {
      // Never two at once, however long this process was kept from its work.
      while (this.#nextBeat <= now) this.#nextBeat += this.#options.heartbeatMs;
      this.#options.onHeartbeat(this.#attributes(use));
    }
    this.#arm();
  }

  #take(use: TreeUse | undefined): void {
    if (use === undefined) return;
    this.#seen = true;
    this.#peakBytes = Math.max(this.#peakBytes, use.rssBytes, use.peakBytes);
    // A process that left the tree took its time with it; time that was used stays used.
    this.#cpuSeconds = Math.max(this.#cpuSeconds, use.cpuSeconds);
  }

  #attributes(use: TreeUse | undefined): Record<string, AnyValue> {
    if (use === undefined) return {};
    return measured({
      [ATTR.MEMORY_RSS]: use.rssBytes,
      [ATTR.MEMORY_PEAK]: this.#peakBytes,
      [ATTR.CPU_SECONDS]: this.#cpuSeconds,
      [ATTR.PROCESS_COUNT]: use.processes,
    });
  }
}

/** A process that is over when it is looked at has no memory any more: that is no amount that anybody has seen. */
function measured(amounts: Readonly<Record<string, number>>): Record<string, AnyValue> {
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount > 0));
}
