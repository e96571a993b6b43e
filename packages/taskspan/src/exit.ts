/**
 * The end of the process: what is still queued is flushed, what is still open ends as what it is, and the app's exit
 * code, signals and output stay what they would be without us. This file knows when; what is flushed is its caller's.
 *
 * What the app could see of it is kept small. The only signal listener is held while the app has none, so that no signal
 * waits for us where the app has its own way to end, and nobody who counts listeners counts ours. Everything else is seen by passing through `process.emit`,
 * because a listener for `exit` cannot be the last one, and one for `beforeExit` cannot flush without making the app's
 * own listeners run twice.
 */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { safely } from '@taskspan/core/hub';
import { hasListener, hideListeners } from './hidden-listeners.ts';

/** How the runs that are open at the end of the process end. */
export type RunEnd = { readonly status: 'cancelled'; readonly errorType: string } | { readonly error: unknown };

/** What is to be done at the end of the process. Throwing and rejecting are reported and otherwise ignored. */
export interface ExitHooks {
  /** Sends and writes all that is queued, in at most `timeoutMs` milliseconds. */
  flushAsync(timeoutMs: number): Promise<void>;
  /** Writes all that is queued, without the event loop. */
  flushSync(): void;
  closeOpenRuns(end: RunEnd): void;
}

export interface ExitOptions {
  /** Milliseconds by which the end of the process may be delayed in all; 5000. */
  readonly timeoutMs?: number;
}

export interface ExitHandlers {
  /** Takes everything back. */
  uninstall(): void;
}

/** The design's promise: nobody waits longer for us. */
const LONGEST_DELAY_MS = 5000;
const PROCESS_EXIT: RunEnd = { status: 'cancelled', errorType: 'process_exit' };

/** Signals that ask a process to end and that end it when nobody listens. SIGQUIT is left alone: it is for core dumps. */
const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];

type Emit = (...args: unknown[]) => boolean;
/** The two functions of `process` that are passed through; `reallyExit` is what `process.exit` ends with. */
type Passed = { emit: Emit; reallyExit?: (code?: number) => void };
const host = process as unknown as Passed;
/** The types know the two events about listeners only of emitters in general. */
const emitter: NodeJS.EventEmitter = process;

/**
 * Watches for the end of the process, or of this worker thread (which gets no signals).
 *
 * - normal end: once the app has nothing left to do, open runs end and everything is flushed; the app's `beforeExit`
 *   listeners run as often as without us
 * - `process.exit()`: after the app's `exit` listeners, open runs end and the synchronous flush runs
 * - uncaught exception or rejection that really ends the process: likewise, the runs as failures with that error
 * - SIGTERM, SIGINT, SIGHUP without a listener of the app: open runs end, everything is flushed, then the signal takes
 *   its own effect; the same signal again ends the process at once
 * - with a listener of the app: a flush is begun, and nothing else happens
 *
 * @returns a handle that takes everything back; never throws
 */
export function installExitHandlers(hooks: ExitHooks, options: ExitOptions = {}): ExitHandlers {
  const watch = new ExitWatch(hooks, options.timeoutMs ?? LONGEST_DELAY_MS);
  watch.install();
  return { uninstall: () => watch.uninstall() };
}

class ExitWatch {
  readonly #hooks: ExitHooks;
  readonly #signals: ReadonlySet<unknown> = new Set(isMainThread ? SIGNALS : []);
  readonly #originalEmit: Emit = host.emit;
  readonly #emit: Emit;
  #installed = false;
  /** What is left of the time by which the end may be delayed. */
  #budgetMs: number;
  /** Set while an error that nobody handles ends the process. */
  #fatal: { readonly error: unknown } | undefined;
  /** True from the first signal on that is to end the process. */
  #leaving = false;
  /** True when the loop will run empty a second time only because of our flush. */
  #skipBeforeExit = false;
  /** True while our own signal listener is being removed on purpose. */
  #steppingAside = false;
  #showListeners = (): void => {};

  constructor(hooks: ExitHooks, timeoutMs: number) {
    this.#hooks = hooks;
    this.#budgetMs = timeoutMs;
    const watch = this;
    const original = this.#originalEmit;
    this.#emit = function emit(this: unknown, ...args: unknown[]): boolean {
      const listeners = (): boolean => Reflect.apply(original, this, args);
      return watch.#installed ? watch.#around(args[0], args[1], listeners) : listeners();
    };
  }

  install(): void {
    this.#installed = true;
    host.emit = this.#emit;
    this.#showListeners = hideListeners(
      process,
      new Set<unknown>([this.#onUncaught, this.#onListenerAdded, this.#onListenerRemoved, this.#onSignal]),
    );
    process.on('uncaughtExceptionMonitor', this.#onUncaught);
    if (this.#signals.size === 0) return;
    // Before Node's own listener: it opens the signal's handle, which our stepping aside would close behind its back.
    emitter.prependListener('newListener', this.#onListenerAdded);
    emitter.on('removeListener', this.#onListenerRemoved);
    for (const signal of SIGNALS) this.#listen(signal);
  }

  uninstall(): void {
    this.#installed = false;
    process.off('uncaughtExceptionMonitor', this.#onUncaught);
    emitter.off('newListener', this.#onListenerAdded);
    emitter.off('removeListener', this.#onListenerRemoved);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.#showListeners();
    // When somebody has put a function of theirs around ours, ours stays and only passes on.
    if (host.emit === this.#emit) host.emit = this.#originalEmit;
  }

  /** Everything that `process` emits comes through here. */
  #around(event: unknown, detail: unknown, listeners: () => boolean): boolean {
    if (event === 'exit') return this.#aroundExit(listeners);
    if (event === 'beforeExit') return this.#aroundBeforeExit(listeners);
    if (event === 'uncaughtException' || event === 'unhandledRejection') return this.#aroundError(detail, listeners);
    if (this.#signals.has(event) && !this.#listensTo(event as NodeJS.Signals)) this.#flushInPassing();
    return listeners();
  }

  // --- normal end ---

  /** The loop is empty. The app's listeners go first: they may give it work. */
  #aroundBeforeExit(listeners: () => boolean): boolean {
    if (this.#skipBeforeExit) {
      this.#skipBeforeExit = false;
      return false;
    }
    const idle = activeResources();
    const called = listeners();
    if (this.#budgetMs > 0) void this.#flushBeforeExit(idle);
    return called;
  }

  async #flushBeforeExit(idle: number): Promise<void> {
    if (activeResources() > idle) return;
    // A listener that is an async function gives the loop work a few microtasks later.
    await new Promise((resolve) => setImmediate(resolve));
    if (activeResources() > idle || !this.#installed) return;
    this.#close(PROCESS_EXIT);
    await this.#flushHeld();
    this.#skipBeforeExit = true;
  }

  // --- process.exit(), and what comes last in every orderly end ---

  /** A listener may call `process.exit(code)` to set another code: that goes straight to `reallyExit`. */
  #aroundExit(listeners: () => boolean): boolean {
    const reallyExit = host.reallyExit;
    if (reallyExit !== undefined) {
      host.reallyExit = (code) => {
        this.#finish();
        Reflect.apply(reallyExit, process, [code]);
      };
    }
    try {
      return listeners();
    } finally {
      if (reallyExit !== undefined) host.reallyExit = reallyExit;
      this.#finish();
    }
  }

  #finish(): void {
    this.#close(this.#fatal ?? PROCESS_EXIT);
    safely('flushing at exit', () => this.#hooks.flushSync());
  }

  // --- errors that nobody catches ---

  /** Runs for every uncaught error, also for those that a listener or callback of the app will survive. */
  #onUncaught = (error: unknown): void => {
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
    this.#fatal = { error };
    // Should the process live on after all, a later end has nothing to do with this error.
    setImmediate(() => {
      this.#fatal = undefined;
    }).unref();
  };

  /** The app's listeners for it: those that call `process.exit()` right there end the process because of the error. */
  #aroundError(error: unknown, listeners: () => boolean): boolean {
    const before = this.#fatal;
    this.#fatal = { error };
    try {
      return listeners();
    } finally {
      this.#fatal = before;
    }
  }

  // --- signals ---

  #onListenerAdded = (event: unknown, listener: unknown): void => {
    if (!this.#signals.has(event) || listener === this.#onSignal) return;
    this.#steppingAside = true;
    process.off(event as NodeJS.Signals, this.#onSignal);
    this.#steppingAside = false;
  };

  #onListenerRemoved = (event: unknown): void => {
    if (this.#signals.has(event) && !this.#steppingAside) this.#listen(event as NodeJS.Signals);
  };

  #listen(signal: NodeJS.Signals): void {
    if (process.listenerCount(signal) === 0 && !this.#listensTo(signal)) process.on(signal, this.#onSignal);
  }

  #listensTo(signal: NodeJS.Signals): boolean {
    return hasListener(process, signal, this.#onSignal);
  }

  #onSignal = (signal: NodeJS.Signals): void => {
    if (isInit()) {
      // The kernel ends no init process by a signal that it does not handle: without us nothing would happen either.
      this.#flushInPassing();
    } else if (this.#leaving) {
      this.#die(signal);
    } else {
      this.#leaving = true;
      this.#close(PROCESS_EXIT);
      void this.#flushHeld().then(() => this.#die(signal));
    }
  };

  /** Gives the signal its own effect: the default one, or that of listeners which the app has added meanwhile. */
  #die(signal: NodeJS.Signals): void {
    if (!this.#installed) return;
    this.#finish();
    this.#steppingAside = true;
    process.off(signal, this.#onSignal);
    this.#steppingAside = false;
    this.#leaving = false;
    try {
      process.kill(process.pid, signal);
    } catch {
      // Windows cannot send SIGHUP and SIGBREAK; this is the code that a shell would show.
      process.exit(128 + constants.signals[signal]);
    }
  }

  // --- flushing ---

  #close(end: RunEnd): void {
    safely('ending open runs at exit', () => this.#hooks.closeOpenRuns(end));
  }

  /** Keeps the process alive until all is flushed or the time is over; then never again. */
  #flushHeld(): Promise<void> {
    const began = performance.now();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#budgetMs = Math.max(0, this.#budgetMs - (performance.now() - began));
        resolve();
      };
      const timer = setTimeout(done, this.#budgetMs);
      this.#flush(this.#budgetMs).then(done);
    });
  }

  /** The app ends, or goes on, by itself: nothing waits for this. */
  #flushInPassing(): void {
    void this.#flush(LONGEST_DELAY_MS);
  }

  async #flush(timeoutMs: number): Promise<void> {
    try {
      await this.#hooks.flushAsync(timeoutMs);
    } catch (error) {
      safely('flushing at exit', () => {
        throw error;
      });
    }
  }
}

/** How many things keep, or might keep, the loop alive. Idle pipes and terminals count too: only differences tell. */
function activeResources(): number {
  return process.getActiveResourcesInfo().length;
}

function isInit(): boolean {
  return process.pid === 1 && process.platform === 'linux';
}
