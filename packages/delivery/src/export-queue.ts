import { clearReports, type DropReason, type DropSignal, recordDropped, reportOnce, safely } from '@taskspan/core/hub';

/** What became of one request. */
export type SendResult =
  | { readonly kind: 'delivered' }
  /** Worth another try, at the earliest after `retryAfterMs`. */
  | { readonly kind: 'retryable'; readonly reason: string; readonly retryAfterMs?: number | undefined }
  /** The receiver will never take it. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Sends one batch, and answers; must not reject (a rejection counts as refused) and must end in bounded time. */
export type Send<T> = (items: readonly T[]) => Promise<SendResult>;

export interface ExportQueueOptions<T> {
  readonly signal: DropSignal;
  readonly send: Send<T>;
  /** Bytes that an item takes, roughly; called once per item, on the caller's path. */
  readonly sizeOf: (item: T) => number;
  /** Longest wait of an item before it is sent, in milliseconds. Default 1000. */
  readonly delayMs?: number;
  /** Bound of all that waits or is in flight, in bytes. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Items in one request. Default 512. */
  readonly batchItems?: number;
  /** Wait after the first failure in a row, in milliseconds; doubled by each further one. Default 1000. */
  readonly backoffMs?: number;
}

/** Every limit of the queue with its reason. */
const QUEUE_DEFAULTS = {
  delayMs: 1000,
  maxBytes: 64 * 1024 * 1024,
  batchItems: 512,
  backoffMs: 1000,
  /** No wait between two attempts is longer, whatever the receiver asks for: data must not rot in memory. */
  longestBackoffMs: 30_000,
  /** A batch is closed at this estimate too: the Collector refuses bodies above 20 MiB. */
  batchBytes: 4 * 1024 * 1024,
  /** Requests at one time while all is well; one while the receiver fails. */
  inFlight: 2,
  flushTimeoutMs: 10_000,
  shutdownTimeoutMs: 3000,
} as const;

interface Batch<T> {
  readonly items: T[];
  bytes: number;
  /** Delivered, refused or dropped. */
  gone: boolean;
}

function emptyBatch<T>(): Batch<T> {
  return { items: [], bytes: 0, gone: false };
}

/**
 * Everything that waits to be sent, bounded by bytes, not by a number of items: a tick in which 20 000 spans end is
 * no reason to lose one. A batch whose delivery fails goes back to the front and is tried again until it is delivered,
 * refused, or the oldest when memory runs out; each loss is counted. Timers and sockets of the queue keep no process
 * alive, but a flush under way does.
 */
export class ExportQueue<T> {
  readonly #options: Required<ExportQueueOptions<T>>;
  readonly #batchBytes: number;
  /** Closed batches, oldest first. */
  readonly #ready: Batch<T>[] = [];
  /** The batch that still fills. */
  #filling: Batch<T> = emptyBatch();
  /** When the filling batch is to be sent at the latest, on the monotonic clock. */
  #fillingDueMs = 0;
  readonly #inFlight = new Set<Batch<T>>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** Failures in a row. */
  #failures = 0;
  #notBeforeMs = 0;
  /** Counts failed attempts for ever, so that a flush sees one happen. */
  #failedAttempts = 0;
  /** While above 0 a flush drains the queue: nothing waits for its delay. */
  #flushing = 0;
  #closed = false;
  /** Called after every settled request and every drop. */
  readonly #watchers = new Set<() => void>();

  constructor(options: ExportQueueOptions<T>) {
    this.#options = {
      ...options,
      delayMs: options.delayMs ?? QUEUE_DEFAULTS.delayMs,
      maxBytes: options.maxBytes ?? QUEUE_DEFAULTS.maxBytes,
      batchItems: options.batchItems ?? QUEUE_DEFAULTS.batchItems,
      backoffMs: options.backoffMs ?? QUEUE_DEFAULTS.backoffMs,
    };
    this.#batchBytes = Math.min(QUEUE_DEFAULTS.batchBytes, Math.ceil(this.#options.maxBytes / 8));
  }

  /** Estimated bytes held, those in flight included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes an item to send; never throws, never sends in the caller's own turn. After `shutdown` it counts a loss. */
  enqueue(item: T): void {
    if (this.#closed) {
      this.#lose('overflow', 1, 'it ended after the shutdown');
      return;
    }
    const bytes = safely(`measuring ${this.#options.signal} for export`, () => this.#options.sizeOf(item)) ?? 1024;
    const batch = this.#filling;
    batch.items.push(item);
    batch.bytes += bytes;
    this.#bytes += bytes;
    if (batch.items.length >= this.#options.batchItems || batch.bytes >= this.#batchBytes) {
      this.#closeBatch();
      this.#schedule();
    } else if (batch.items.length === 1) {
      this.#fillingDueMs = performance.now() + this.#options.delayMs;
      this.#schedule();
    }
    if (this.#bytes > this.#options.maxBytes) this.#makeRoom();
  }

  /**
   * Sends what is queued now, and waits until it and all in flight is delivered or refused. It gives up at the first
   * attempt that fails for a passing reason, and after `timeoutMs`: what is left stays queued and is tried later.
   *
   * @param timeoutMs default 10 s
   * @returns true when nothing of it is left; never rejects
   */
  async forceFlush(timeoutMs: number = QUEUE_DEFAULTS.flushTimeoutMs): Promise<boolean> {
    const failedBefore = this.#failedAttempts;
    return await this.#drain(timeoutMs, () => this.#failedAttempts > failedBefore);
  }

  /**
   * Sends what is left, again and again for `timeoutMs` at most, then counts the rest as lost. Later calls wait for
   * nothing.
   *
   * @param timeoutMs default 3 s
   */
  async shutdown(timeoutMs: number = QUEUE_DEFAULTS.shutdownTimeoutMs): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#drain(timeoutMs, () => false);
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    let left = this.#filling.items.length;
    for (const batch of [...this.#ready, ...this.#inFlight]) left += batch.items.length;
    this.#ready.length = 0;
    this.#inFlight.clear();
    this.#filling = emptyBatch();
    this.#bytes = 0;
    if (left > 0) this.#lose('overflow', left, `the shutdown could not deliver them within ${timeoutMs} ms`);
  }

  #closeBatch(): void {
    if (this.#filling.items.length === 0) return;
    this.#ready.push(this.#filling);
    this.#filling = emptyBatch();
  }

  /** Arms the next attempt: at once (in a turn of its own) for full batches, else after the delay or the back-off. */
  #schedule(): void {
    const full = this.#ready.length > 0 || (this.#flushing > 0 && this.#filling.items.length > 0);
    if (!full && this.#filling.items.length === 0) return;
    const now = performance.now();
    const waitMs = Math.max(this.#notBeforeMs, full ? now : this.#fillingDueMs) - now;
    clearTimeout(this.#timer);
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#sendNext(), waitMs);
      this.#timer.unref();
    } else if (this.#turn === undefined && this.#inFlight.size < this.#allowedInFlight()) {
      this.#turn = setImmediate(() => {
        this.#turn = undefined;
        this.#sendNext();
      });
    }
  }

  #allowedInFlight(): number {
    return this.#failures > 0 ? 1 : QUEUE_DEFAULTS.inFlight;
  }

  /** Starts one request. One per turn of the loop: serialising a batch takes about two milliseconds. */
  #sendNext(): void {
    // A timer may fire a little early.
    const now = performance.now() + 1;
    if (this.#ready.length === 0 && (this.#flushing > 0 || this.#fillingDueMs <= now)) this.#closeBatch();
    if (this.#inFlight.size < this.#allowedInFlight() && this.#notBeforeMs <= now) {
      const batch = this.#ready.shift();
      if (batch !== undefined) {
        this.#inFlight.add(batch);
        void this.#deliver(batch);
      }
    }
    this.#schedule();
  }

  async #deliver(batch: Batch<T>): Promise<void> {
    const result = await this.#attempt(batch);
    // Gone meanwhile: the shutdown ran out of time and has counted it.
    if (!this.#inFlight.delete(batch)) return;
    if (result.kind === 'retryable') {
      this.#keep(batch, result);
    } else {
      batch.gone = true;
      this.#bytes -= batch.bytes;
      this.#failures = 0;
      this.#notBeforeMs = 0;
      clearReports(this.#reportKey('retry'));
      if (result.kind === 'refused') {
        this.#lose('refused', batch.items.length, result.reason);
      } else {
        clearReports(this.#reportKey('refused'));
        if (this.#bytes < this.#options.maxBytes / 2) clearReports(this.#reportKey('overflow'));
      }
    }
    this.#tellWatchers();
    this.#schedule();
  }

  async #attempt(batch: Batch<T>): Promise<SendResult> {
    try {
      return await this.#options.send(batch.items);
    } catch (error) {
      return { kind: 'refused', reason: `it could not be sent: ${String(error)}` };
    }
  }

  /** Puts a batch back where it was, and sets the next attempt: doubled each time, spread by up to half. */
  #keep(batch: Batch<T>, result: { readonly reason: string; readonly retryAfterMs?: number | undefined }): void {
    this.#ready.unshift(batch);
    this.#failedAttempts += 1;
    const { backoffMs, signal } = this.#options;
    const exponential = backoffMs * 2 ** Math.min(this.#failures, 10);
    this.#failures += 1;
    const askedMs = result.retryAfterMs ?? 0;
    const waitMs = Math.max(askedMs, exponential * (0.75 + Math.random() / 2));
    this.#notBeforeMs = performance.now() + Math.min(waitMs, QUEUE_DEFAULTS.longestBackoffMs);
    reportOnce(
      this.#reportKey('retry'),
      `${signal} cannot be delivered now: ${result.reason}. They are kept, up to ${Math.ceil(this.#options.maxBytes / 1_048_576)} MiB, and retried while this process runs.`,
    );
    if (this.#bytes > this.#options.maxBytes) this.#makeRoom();
  }

  /** Over the bound the oldest go, a batch at a time; what is in flight may yet arrive and stays. */
  #makeRoom(): void {
    let lost = 0;
    while (this.#bytes > this.#options.maxBytes) {
      if (this.#ready.length === 0) this.#closeBatch();
      const oldest = this.#ready.shift();
      if (oldest === undefined) break;
      oldest.gone = true;
      this.#bytes -= oldest.bytes;
      lost += oldest.items.length;
    }
    if (lost === 0) return;
    this.#lose('overflow', lost, `more than ${this.#options.maxBytes} bytes wait; the oldest are dropped`);
    this.#tellWatchers();
  }

  #lose(reason: DropReason, count: number, why: string): void {
    recordDropped(this.#options.signal, reason, count);
    reportOnce(
      this.#reportKey(reason),
      `${count} ${this.#options.signal} lost (${reason}): ${why}. Counted in taskspan_dropped_total.`,
    );
  }

  #reportKey(what: string): string {
    return `delivery ${this.#options.signal} ${what}`;
  }

  #tellWatchers(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Sends until what is here now is gone, `stop` says so, or time is up. */
  async #drain(timeoutMs: number, stop: () => boolean): Promise<boolean> {
    this.#closeBatch();
    const waiting = [...this.#ready, ...this.#inFlight];
    if (waiting.length === 0) return true;
    this.#flushing += 1;
    // A flush tries at once, whatever the back-off says.
    this.#notBeforeMs = 0;
    this.#schedule();
    const done = (): boolean => waiting.every((batch) => batch.gone);
    await new Promise<void>((resolve) => {
      // Not unref'd: while a flush is awaited the process must not end under it.
      const deadline = setTimeout(finish, timeoutMs);
      const watchers = this.#watchers;
      function check(): void {
        if (done() || stop()) finish();
      }
      function finish(): void {
        clearTimeout(deadline);
        watchers.delete(check);
        resolve();
      }
      watchers.add(check);
    });
    this.#flushing -= 1;
    return done();
  }
}
