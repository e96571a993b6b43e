import { BackOff } from '../back-off.ts';
import type { DeliveryReport } from '../delivery-report.ts';
import type { Failure, Post, RequestBody, SendResult } from '../send-result.ts';
import { Watchers } from '../watchers.ts';
import { halvesOf } from './body-halves.ts';
import { packBody, unpackBody, unpackedBytes } from './packed-body.ts';
import type { Spool } from './spool.ts';
import type { SpoolEntry, SpoolLane } from './spool-lane.ts';

export interface SpoolDrainOptions {
  readonly spool: Spool;
  readonly lane: SpoolLane;
  readonly post: Post;
  readonly report: DeliveryReport;
  /** Wait after the first failure in a row, in milliseconds. Default 1000. */
  readonly backoffMs?: number | undefined;
}

/** What waits on disk does not rot: a receiver may ask for five minutes. */
const LONGEST_ASKED_MS = 300_000;

/**
 * Sends one lane, the oldest first and one at a time, and takes out what was delivered. It waits after failures, and
 * keeps to the spool's rate. Its timers keep no process alive.
 */
export class SpoolDrain {
  readonly #options: SpoolDrainOptions;
  readonly #backOff: BackOff;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #stopped = false;
  /** Counts failed attempts for ever, so that a flush sees one happen. */
  #failedAttempts = 0;
  /** Told of every attempt. */
  readonly #watchers = new Watchers();

  constructor(options: SpoolDrainOptions) {
    this.#options = options;
    this.#backOff = new BackOff({ firstMs: options.backoffMs, longestAskedMs: LONGEST_ASKED_MS });
  }

  /** True when the last attempt did not fail. */
  get isHealthy(): boolean {
    return this.#backOff.failures === 0;
  }

  /** Something was put into the lane. `failure`: what the receiver said when it was sent directly. */
  wake(failure?: Failure): void {
    // Only the first of an outage: the drain's own attempts count from there.
    if (failure !== undefined && this.isHealthy) this.#backOff.fail(failure);
    this.#schedule();
  }

  /** The receiver takes requests again, as another signal has seen. */
  receiverIsBack(): void {
    this.#backOff.receiverIsBack();
    this.#schedule();
  }

  /**
   * Tries now, whatever the back-off says, and waits until all is sent, an attempt fails, or time is up.
   *
   * @returns true when the lane is empty; never rejects
   */
  async flush(timeoutMs: number): Promise<boolean> {
    const { lane } = this.#options;
    if (lane.isEmpty) return true;
    const failedBefore = this.#failedAttempts;
    this.#backOff.hurry();
    this.#schedule();
    await this.#watchers.until(() => lane.isEmpty || this.#stopped || this.#failedAttempts > failedBefore, timeoutMs);
    return lane.isEmpty;
  }

  /** Starts nothing more. @returns resolves when what is under way is over */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#watchers.tell();
    await this.#sending;
  }

  #schedule(): void {
    const { lane, spool } = this.#options;
    if (this.#stopped || this.#sending !== undefined || lane.oldest?.state !== 'waiting') return;
    clearTimeout(this.#timer);
    const waitMs = Math.max(0, this.#backOff.waitMs, spool.bucket.waitMs);
    this.#timer = setTimeout(() => {
      const { oldest } = lane;
      if (this.#stopped || this.#sending !== undefined || oldest?.state !== 'waiting') return;
      this.#sending = this.#sendOldest(oldest)
        .catch((error: unknown) => this.#setAside(oldest, undefined, `it is damaged: ${String(error)}`))
        .finally(() => {
          this.#sending = undefined;
          this.#schedule();
          this.#watchers.tell();
        });
    }, waitMs);
    this.#timer.unref();
  }

  async #sendOldest(entry: SpoolEntry): Promise<void> {
    const { spool, post } = this.#options;
    entry.state = 'posting';
    const body = await spool.read(entry);
    if (body === 'gone') return;
    if (body === 'later') {
      entry.state = 'waiting';
      this.#backOff.pause();
      return;
    }
    spool.bucket.take(unpackedBytes(body));
    const result = await this.#attempt(post, entry, body);
    if (result.kind === 'delivered') {
      this.#backOff.reset();
      spool.remove(entry);
      this.#options.report.accepted(result);
    } else if (result.kind === 'retryable') {
      if (result.suspect === true && (await this.#anotherIsTaken())) {
        this.#backOff.reset();
        await this.#setAside(entry, body, result.reason);
        return;
      }
      entry.state = 'waiting';
      this.#failedAttempts += 1;
      this.#backOff.fail(result);
      this.#options.report.waiting(result.reason, spool.place);
    } else {
      this.#backOff.reset();
      const halves = result.kind === 'too large' ? halvesOf(await unpackBody(body), entry.signal) : undefined;
      if (halves === undefined) {
        await this.#setAside(entry, body, result.reason);
      } else if (!(await spool.replace(entry, halves))) {
        // No room for two files just now; the one is still there.
        entry.state = 'waiting';
        this.#backOff.pause();
      }
    }
  }

  /**
   * Sends another before the oldest, which the receiver failed on: when that one is taken, the fault is the oldest's own,
   * and it would stand in the way of all others for ever. A further one each time, as several may have the same fault.
   */
  async #anotherIsTaken(): Promise<boolean> {
    const { lane, spool, post, report } = this.#options;
    const next = lane.waiting(this.#backOff.failures);
    if (next === undefined || this.#stopped) return false;
    next.state = 'posting';
    const body = await spool.read(next);
    if (body === 'gone') return false;
    const result = body === 'later' ? undefined : await this.#attempt(post, next, body);
    if (result?.kind !== 'delivered') {
      next.state = 'waiting';
      return false;
    }
    spool.remove(next);
    report.accepted(result);
    return true;
  }

  async #attempt(post: Post, entry: SpoolEntry, body: RequestBody): Promise<SendResult> {
    try {
      return await post(body, () => {
        entry.state = 'accepted';
      });
    } catch (error) {
      return { kind: 'refused', reason: `it could not be sent: ${String(error)}` };
    }
  }

  async #setAside(entry: SpoolEntry, body: RequestBody | undefined, reason: string): Promise<void> {
    const { spool, report } = this.#options;
    const isKept = body !== undefined && (await spool.refused.keep(entry.signal, await packBody(body)));
    report.refused(entry.items, reason, isKept ? spool.refused.path : undefined);
    spool.remove(entry);
  }
}
