import { safely } from '@taskspan/core/hub';
import { BackOff } from './back-off.ts';
import { byteSize } from './byte-size.ts';
import { DeliveryReport } from './delivery-report.ts';
import { type Batch, emptyBatch, halves, spoolItem } from './export-batch.ts';
import { type ExportQueueOptions, QUEUE_LIMITS } from './export-queue-options.ts';
import { LateRequest } from './late-request.ts';
import type { Failure, RequestBody, SendResult } from './send-result.ts';
import type { LazySpool } from './spool/lazy-spool.ts';
import type { HeldItem } from './spool/signal-spool.ts';
import type { SpoolItem } from './spool/spool-item.ts';
import { Watchers } from './watchers.ts';

/** What became of a batch: an answer, or it is on disk now, or the disk does not take it, or it was empty. */
type Outcome = SendResult | { readonly kind: 'spooled' } | { readonly kind: 'blocked' } | { readonly kind: 'empty' };

/**
 * Everything that waits to be sent, bounded by bytes, not by a number of items: a tick in which 20 000 spans end is
 * no reason to lose one. A batch whose delivery fails goes to the spool on disk, and everything behind it too until the
 * spool is sent; where there is no spool it goes back to the front and is tried again until it is delivered, refused,
 * or the oldest when memory runs out. Each loss is counted. Timers and sockets of the queue keep no process alive, but
 * a flush under way does.
 */
export class ExportQueue<T> {
  readonly report: DeliveryReport;
  readonly #options: ExportQueueOptions<T>;
  readonly #delayMs: number;
  readonly #maxBytes: number;
  readonly #batchItems: number;
  readonly #batchBytes: number;
  readonly #backOff: BackOff;
  /** Closed batches, oldest first. */
  readonly #ready: Batch<T>[] = [];
  /** The batch that still fills. */
  #filling: Batch<T> = emptyBatch();
  /** When the filling batch is to be sent at the latest, on the monotonic clock. */
  #fillingDueMs = 0;
  readonly #inFlight = new Set<Batch<T>>();
  #bytes = 0;
  #nextOrdinal = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** Counts failed attempts for ever, so that a flush sees one happen: those kept in memory, and all. */
  #keptAttempts = 0;
  #failedAttempts = 0;
  /** While above 0 a flush drains the queue: nothing waits for its delay. */
  #flushing = 0;
  #closed = false;
  /** The request on its way that did not come from the disk. */
  #posting: LateRequest | undefined;
  /** Told of every settled request and every drop. */
  readonly #watchers = new Watchers();

  constructor(options: ExportQueueOptions<T>) {
    this.#options = options;
    this.#delayMs = options.delayMs ?? QUEUE_LIMITS.delayMs;
    this.#maxBytes = options.maxBytes ?? QUEUE_LIMITS.maxBytes;
    this.#batchItems = options.batchItems ?? QUEUE_LIMITS.batchItems;
    this.#batchBytes = Math.min(QUEUE_LIMITS.batchBytes, Math.ceil(this.#maxBytes / 8));
    this.#backOff = new BackOff({ firstMs: options.backoffMs, longestAskedMs: QUEUE_LIMITS.longestAskedMs });
    this.report = new DeliveryReport(options.signal);
    const { post, receiver } = options.outlet;
    options.spool?.connect({ report: this.report, post, receiver, backoffMs: options.backoffMs });
  }

  /** Estimated bytes held in memory, those in flight included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True when nothing says that the receiver cannot be reached: the last attempt did not fail, nothing is on disk. */
  get isHealthy(): boolean {
    return this.#backOff.failures === 0 && (this.#spool?.isEmpty ?? true);
  }

  /** Takes an item to send; never throws, never sends in the caller's own turn. After `shutdown` it counts a loss. */
  enqueue(item: T): void {
    if (this.#closed) {
      this.report.lost('overflow', 1, 'it ended after the shutdown');
      return;
    }
    const bytes = safely(`measuring ${this.#options.signal} for export`, () => this.#options.sizeOf(item)) ?? 1024;
    const batch = this.#filling;
    batch.items.push(item);
    batch.bytes += bytes;
    this.#bytes += bytes;
    if (batch.items.length >= this.#batchItems || batch.bytes >= this.#batchBytes) {
      this.#closeBatch();
      this.#schedule();
    } else if (batch.items.length === 1) {
      this.#fillingDueMs = performance.now() + this.#delayMs;
      this.#schedule();
    }
    if (this.#bytes > this.#maxBytes) this.#makeRoom();
  }

  /**
   * Sends what is queued now, and waits until it and all in flight is delivered or refused. It gives up at the first
   * attempt that fails for a passing reason, and after `timeoutMs`: what is left stays on disk or in memory, and is
   * tried later.
   *
   * @param timeoutMs default 10 s
   * @returns true when nothing of it is left; never rejects
   */
  async forceFlush(timeoutMs: number = QUEUE_LIMITS.flushTimeoutMs): Promise<boolean> {
    const began = performance.now();
    const keptBefore = this.#keptAttempts;
    const failedBefore = this.#failedAttempts;
    const isDrained = await this.#drain(timeoutMs, () => this.#keptAttempts > keptBefore);
    const spool = this.#spool;
    if (spool === undefined || !isDrained || this.#failedAttempts > failedBefore) {
      return isDrained && (spool?.isEmpty ?? true);
    }
    return await spool.flush(Math.max(0, timeoutMs - (performance.now() - began)));
  }

  /**
   * Sends what is left, for `timeoutMs` at most, and puts the rest on disk; without a spool it is tried again and again
   * in this time, then the rest is counted as lost. Later calls wait for nothing.
   *
   * @param timeoutMs default 3 s
   */
  async shutdown(timeoutMs: number = QUEUE_LIMITS.shutdownTimeoutMs): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { spool, signal } = this.#options;
    await (spool === undefined ? this.#drain(timeoutMs, () => false) : this.forceFlush(timeoutMs));
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    let left = 0;
    for (const item of this.takeRest()) {
      if ((await spool?.open(signal)?.put(item)) !== true) left += item.body.items;
    }
    if (left > 0) this.report.lost('overflow', left, `the shutdown could not deliver them within ${timeoutMs} ms`);
  }

  /**
   * For the end of the process: hands over all that neither the receiver nor the spool is known to have, oldest first.
   * What is in flight and unanswered is among it. Synchronous; never throws.
   */
  takeRest(): readonly SpoolItem[] {
    this.#closeBatch();
    const batches = [...this.#inFlight, ...this.#ready].filter(({ state }) => state === 'waiting');
    batches.sort((a, b) => a.ordinal - b.ordinal);
    this.#ready.length = 0;
    this.#inFlight.clear();
    this.#bytes = 0;
    this.#watchers.tell();
    return batches.flatMap((batch) => {
      try {
        const body = this.#options.outlet.encode(batch.items);
        return body === undefined ? [] : [spoolItem(batch, body)];
      } catch (error) {
        this.report.refused(batch.items.length, `they could not be encoded: ${String(error)}`, undefined);
        return [];
      }
    });
  }

  get #spool(): ReturnType<LazySpool['opened']> {
    return this.#options.spool?.opened(this.#options.signal);
  }

  #closeBatch(): void {
    const batch = this.#filling;
    if (batch.items.length === 0) return;
    batch.ordinal = this.#nextOrdinal;
    batch.createdMs = Date.now();
    this.#nextOrdinal += batch.items.length;
    this.#ready.push(batch);
    this.#filling = emptyBatch();
  }

  /** Arms the next attempt: at once (in a turn of its own) for full batches, else after the delay or the back-off. */
  #schedule(): void {
    const full = this.#ready.length > 0 || (this.#flushing > 0 && this.#filling.items.length > 0);
    if (!full && this.#filling.items.length === 0) return;
    const now = performance.now();
    const waitMs = Math.max(this.#backOff.waitMs, full ? 0 : this.#fillingDueMs - now);
    clearTimeout(this.#timer);
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#sendNext(), waitMs);
      this.#timer.unref();
    } else if (this.#turn === undefined && this.#isFree) {
      this.#turn = setImmediate(() => {
        this.#turn = undefined;
        this.#sendNext();
      });
    }
  }

  /** One request at a time, or the receiver would get them out of order. While it is slow, more may go to disk. */
  get #isFree(): boolean {
    return this.#inFlight.size === 0 || (this.#posting !== undefined && this.#inFlight.size === 1 && this.#spills);
  }

  /** True when what waits in memory belongs on disk: it is too much, or waits for too long. */
  get #spills(): boolean {
    if (this.#options.spool === undefined) return false;
    return this.#posting?.isLate === true || this.#bytes > this.#maxBytes * QUEUE_LIMITS.spillPart;
  }

  /** Starts one request. One per turn of the loop: serialising a batch takes about two milliseconds. */
  #sendNext(): void {
    // A timer may fire a little early.
    const now = performance.now() + 1;
    if (this.#ready.length === 0 && (this.#flushing > 0 || this.#fillingDueMs <= now)) this.#closeBatch();
    if (this.#isFree && this.#backOff.waitMs <= 1) {
      const batch = this.#ready.shift();
      if (batch !== undefined) {
        this.#inFlight.add(batch);
        void this.#deliver(batch);
      }
    }
    this.#schedule();
  }

  async #deliver(batch: Batch<T>): Promise<void> {
    const outcome = await this.#send(batch);
    // Gone meanwhile: the end of the process or the shutdown has taken it.
    if (!this.#inFlight.delete(batch)) return;
    if (outcome.kind === 'retryable' || outcome.kind === 'blocked') {
      batch.state = 'waiting';
      this.#ready.unshift(batch);
      this.#keptAttempts += 1;
      if (outcome.kind === 'blocked') this.#backOff.pause();
      else this.#backOff.fail(outcome);
      if (this.#bytes > this.#maxBytes) this.#makeRoom();
    } else {
      this.#bytes -= batch.bytes;
      this.#backOff.reset();
      if (outcome.kind === 'delivered') this.report.accepted(outcome);
      if (outcome.kind === 'too large') {
        this.#ready.unshift(...halves(batch));
        this.#bytes += batch.bytes;
      }
    }
    this.#watchers.tell();
    this.#schedule();
  }

  /** Sends a batch, or puts it on disk, where everything belongs while something of this signal waits there. */
  async #send(batch: Batch<T>): Promise<Outcome> {
    const { outlet, spool } = this.#options;
    let body: RequestBody | undefined;
    try {
      const ready = outlet.ready(batch.items);
      if (ready !== undefined) await ready;
      body = outlet.encode(batch.items);
    } catch (error) {
      this.report.refused(batch.items.length, `they could not be encoded: ${String(error)}`, undefined);
      return { kind: 'empty' };
    }
    if (body === undefined || !this.#inFlight.has(batch)) return { kind: 'empty' };
    if (this.#spool?.isEmpty === false || this.#posting !== undefined) {
      return (await this.#spoolBatch(batch, body)) ? { kind: 'spooled' } : { kind: 'blocked' };
    }
    const result = await this.#post(batch, body);
    if (!this.#inFlight.has(batch)) return result;
    if (result.kind === 'retryable') {
      this.#reportWaiting(result);
      if (await this.#spoolBatch(batch, body, result)) return { kind: 'spooled' };
    } else if (result.kind === 'refused' || (result.kind === 'too large' && batch.items.length === 1)) {
      const keptIn = await spool?.open(this.#options.signal)?.setAside(body);
      this.report.refused(batch.items.length, result.reason, keptIn);
      return { kind: 'empty' };
    }
    return result;
  }

  async #post(batch: Batch<T>, body: RequestBody): Promise<Outcome> {
    const posting = new LateRequest({ hold: () => this.#hold(batch, body), onLate: () => this.#schedule() });
    this.#posting = posting;
    const result = await this.#options.outlet.post(body, () => {
      batch.state = 'accepted';
      posting.accepted();
    });
    const isOnDisk = await posting.end(result.kind === 'retryable');
    this.#posting = undefined;
    // What was put on disk meanwhile had to stay behind it.
    if (result.kind !== 'retryable') this.#spool?.wake();
    if (!isOnDisk || result.kind !== 'retryable') return result;
    this.#reportWaiting(result);
    this.#spool?.wake(result);
    return { kind: 'spooled' };
  }

  /** Puts a request on disk whose answer is late. */
  async #hold(batch: Batch<T>, body: RequestBody): Promise<HeldItem | undefined> {
    const spool = this.#options.spool?.open(this.#options.signal);
    if (spool === undefined || batch.state !== 'waiting') return undefined;
    batch.state = 'spooling';
    const held = await spool.hold(spoolItem(batch, body));
    if (held === undefined && batch.state === 'spooling') batch.state = 'waiting';
    return held;
  }

  #reportWaiting(result: Failure): void {
    this.#failedAttempts += 1;
    const inMemory = `in memory, up to ${byteSize(this.#maxBytes)}, and retried`;
    this.report.waiting(result.reason, this.#options.spool?.place ?? inMemory);
  }

  async #spoolBatch(batch: Batch<T>, body: RequestBody, failure?: Failure): Promise<boolean> {
    const spool = this.#options.spool?.open(this.#options.signal);
    if (spool === undefined) return false;
    batch.state = 'spooling';
    const isPut = await spool.put(spoolItem(batch, body));
    if (this.#posting === undefined) spool.wake(failure);
    return isPut;
  }

  /** Over the bound the oldest go, a batch at a time; what is in flight may yet arrive and stays. */
  #makeRoom(): void {
    let lost = 0;
    while (this.#bytes > this.#maxBytes) {
      if (this.#ready.length === 0) this.#closeBatch();
      const oldest = this.#ready.shift();
      if (oldest === undefined) break;
      this.#bytes -= oldest.bytes;
      lost += oldest.items.length;
    }
    if (lost === 0) return;
    this.report.lost('overflow', lost, `more than ${this.#maxBytes} bytes wait; the oldest are dropped`);
    this.#watchers.tell();
  }

  /** Sends until what is here now is gone from memory, `stop` says so, or time is up. */
  async #drain(timeoutMs: number, stop: () => boolean): Promise<boolean> {
    this.#closeBatch();
    const end = this.#nextOrdinal;
    const isDone = (): boolean => [...this.#ready, ...this.#inFlight].every(({ ordinal }) => ordinal >= end);
    if (isDone()) return true;
    this.#flushing += 1;
    // A flush tries at once, whatever the back-off says.
    this.#backOff.hurry();
    this.#schedule();
    await this.#watchers.until(() => isDone() || stop(), timeoutMs);
    this.#flushing -= 1;
    return isDone();
  }
}
