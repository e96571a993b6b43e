import type { DropSignal } from '@taskspan/core/hub';
import type { DeliveryReport } from '../delivery-report.ts';
import type { Failure, Post, RequestBody } from '../send-result.ts';
import { packBody } from './packed-body.ts';
import type { Spool } from './spool.ts';
import { SpoolDrain } from './spool-drain.ts';
import type { SpoolItem } from './spool-item.ts';

export interface SignalSpoolOptions {
  readonly post: Post;
  readonly report: DeliveryReport;
  /** Who is at the other end, alike for all signals that one receiver takes; undefined when that is not known. */
  readonly receiver?: string | undefined;
  /** Wait after the first failure in a row, in milliseconds. Default 1000. */
  readonly backoffMs?: number | undefined;
}

/** A request that is on disk and on its way at once. */
export interface HeldItem {
  /** The receiver has said yes: nobody must send it again. */
  accepted(): void;
  /** It is on its way no more. `isWanted`: it is to be sent from the disk, in its turn; else it leaves the disk. */
  release(isWanted: boolean): void;
}

/** The spool as one signal sees it: what it puts there is sent in order, as soon as the receiver takes it again. */
export class SignalSpool {
  readonly #spool: Spool;
  readonly #signal: DropSignal;
  readonly #own: SpoolDrain;
  readonly #backlog: SpoolDrain;

  constructor(spool: Spool, options: SignalSpoolOptions) {
    const { signal } = options.report;
    this.#spool = spool;
    this.#signal = signal;
    spool.setReport(options.report);
    const { own, backlog } = spool.lanes(signal);
    this.#own = new SpoolDrain({ ...options, spool, lane: own });
    this.#backlog = new SpoolDrain({ ...options, spool, lane: backlog });
  }

  /** False while anything of this signal waits on disk: whatever comes now belongs behind it. */
  get isEmpty(): boolean {
    return this.#spool.lanes(this.#signal).own.isEmpty && !this.#spool.isWriting(this.#signal);
  }

  /** Puts a request on disk; it stays there until `wake`. Never rejects; false when the disk does not take it. */
  async put(item: SpoolItem): Promise<boolean> {
    return await this.#spool.put(this.#signal, item);
  }

  /**
   * Puts a request on disk that is on its way: it is not sent from there until it is released. Never rejects.
   *
   * @returns undefined when the disk does not take it
   */
  async hold(item: SpoolItem): Promise<HeldItem | undefined> {
    const entry = await this.#spool.hold(this.#signal, item);
    if (entry === undefined) return undefined;
    return {
      accepted: () => {
        entry.state = 'accepted';
      },
      release: (isWanted) => {
        entry.state = 'waiting';
        if (!isWanted) this.#spool.remove(entry);
      },
    };
  }

  /**
   * Begins to send what is on disk, unless it is under way.
   *
   * @param failure what the receiver has just said to a request that did not come from here
   */
  wake(failure?: Failure): void {
    this.#own.wake(failure);
  }

  /** As `put`, in an exit handler. */
  putSync(item: SpoolItem): boolean {
    return this.#spool.putSync(this.#signal, item);
  }

  /** Keeps what was refused for good, for a person. @returns the folder, undefined when it could not be kept */
  async setAside(body: RequestBody): Promise<string | undefined> {
    const isKept = await this.#spool.refused.keep(this.#signal, await packBody(body));
    return isKept ? this.#spool.refused.path : undefined;
  }

  /** Sends what this process has put there, until it is gone, an attempt fails, or time is up. */
  async flush(timeoutMs: number): Promise<boolean> {
    return await this.#own.flush(timeoutMs);
  }

  /** Something was taken over from another process. */
  wakeBacklog(): void {
    this.#backlog.wake();
  }

  /** The receiver has just taken something of another signal, after an outage. */
  receiverIsBack(): void {
    this.#own.receiverIsBack();
    this.#backlog.receiverIsBack();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#own.stop(), this.#backlog.stop()]);
  }
}
