import type { LibraryRun } from '@taskspan/core/hub';

/** What is used of a thread: it is heard by wrapping, so that nobody finds a listener more. */
interface Thread {
  emit?: (event: string, ...args: unknown[]) => unknown;
  terminate?: (...args: unknown[]) => unknown;
}

export interface WatchOptions {
  readonly run: LibraryRun;
  /** Milliseconds after which the library ends the thread; 0: never. */
  readonly closeAfterMs: number;
}

const WORKERS = new WeakMap<object, JobWorker>();

/** The thread of one job, and how its end is to be understood: a thread that is ended exits with code 1 like a failed one. */
export class JobWorker {
  readonly #run: LibraryRun;
  readonly #closeAfterMs: number;
  #onlineAt: number | undefined;
  #terminatedAt: number | undefined;
  #stopped = false;
  #cancelled = false;

  private constructor({ run, closeAfterMs }: WatchOptions) {
    this.#run = run;
    this.#closeAfterMs = closeAfterMs;
  }

  static of(thread: unknown): JobWorker | undefined {
    return typeof thread === 'object' && thread !== null ? WORKERS.get(thread) : undefined;
  }

  /** Ends the run when this thread says so, or is over. */
  static watch(thread: unknown, options: WatchOptions): void {
    if (typeof thread !== 'object' || thread === null || WORKERS.has(thread)) return;
    const { emit, terminate } = thread as Thread;
    if (typeof emit !== 'function') return;
    const worker = new JobWorker(options);
    WORKERS.set(thread, worker);
    replace(thread, 'emit', function heard(this: unknown, event: string, ...args: unknown[]) {
      worker.#heard(event, args[0]);
      return Reflect.apply(emit, this, [event, ...args]) as unknown;
    });
    if (typeof terminate !== 'function') return;
    replace(thread, 'terminate', function terminated(this: unknown, ...args: unknown[]) {
      worker.#terminatedAt ??= performance.now();
      return Reflect.apply(terminate, this, args) as unknown;
    });
  }

  /** The library was asked to stop the job. */
  stopped(): void {
    this.#stopped = true;
  }

  #heard(event: string, value: unknown): void {
    if (event === 'online') this.#onlineAt = performance.now();
    else if (event === 'message' && value === 'done') this.#run.returned(undefined);
    else if (event === 'message' && value === 'cancelled' && this.#stopped) this.#cancelled = true;
    else if (event === 'error') this.#run.threw(value);
    else if (event === 'exit') this.#exited(value);
  }

  #exited(code: unknown): void {
    const attributes = { 'process.exit.code': code };
    const neverBegan = this.#terminatedAt !== undefined && this.#onlineAt === undefined;
    if (this.#cancelled || neverBegan) this.#run.report({ status: 'cancelled', attributes });
    else if (code === 0) this.#run.report({ status: 'success', attributes });
    else if (this.#wasClosed()) this.#run.report({ status: 'failure', errorType: 'timeout', attributes });
    else if (this.#stopped || this.#terminatedAt !== undefined) this.#run.report({ status: 'cancelled', attributes });
    else this.#run.report({ status: 'failure', errorType: `exit_code_${String(code)}`, attributes });
  }

  /** Ended by the library for having run too long; timers may be early by a millisecond. */
  #wasClosed(): boolean {
    if (this.#closeAfterMs <= 0 || this.#onlineAt === undefined || this.#terminatedAt === undefined) return false;
    return this.#terminatedAt - this.#onlineAt >= this.#closeAfterMs - 1;
  }
}

function replace(thread: object, member: string, value: unknown): void {
  Object.defineProperty(thread, member, { value, writable: true, configurable: true, enumerable: false });
}
