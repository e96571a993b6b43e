import { constants } from 'node:os';
import { handlesSignal, isTerminalForeground } from './process-tree.ts';

/** Signals that are meant for the command, as far as the system has them. Those that stop and continue are left alone. */
const RELAYED: readonly NodeJS.Signals[] = (
  [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGTERM',
    'SIGUSR1',
    'SIGUSR2',
    'SIGALRM',
    'SIGVTALRM',
    'SIGWINCH',
    'SIGIO',
    'SIGPWR',
    'SIGBREAK',
  ] as const
).filter((signal) => constants.signals[signal] !== undefined);

/** What a terminal sends to every process in its foreground: the command has it already. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGHUP']);

/** The same signal reaches two processes at almost the same time. */
const ON_ITS_WAY_MS = 50;

/**
 * Stands between whoever sends signals to this process and the command that they are meant for: none of them ends this
 * process, all of them reach the command, and none of them twice.
 */
export class SignalRelay {
  /** Those that came so far. */
  readonly received: Set<NodeJS.Signals> = new Set();
  #pid: number | undefined;
  #waiting: NodeJS.Signals[] = [];
  #afterExit: ((signal: NodeJS.Signals) => void) | undefined;

  constructor() {
    for (const signal of RELAYED) process.on(signal, this.#onSignal);
  }

  /** The command runs: it gets what came before, too. */
  attach(pid: number): void {
    this.#pid = pid;
    for (const signal of this.#waiting.splice(0)) send(pid, signal);
  }

  /**
   * The command is gone: what comes now is for this process, if it still has something to do. What ended the command is
   * perhaps on its way to us, too, as from a terminal or a service manager: that is waited for, and is no second one.
   *
   * @param endedBy the signal that ended the command
   */
  async detach(endedBy: NodeJS.Signals | undefined, onSignal: (signal: NodeJS.Signals) => void): Promise<void> {
    this.#pid = undefined;
    const isOurs = endedBy !== undefined && RELAYED.includes(endedBy);
    if (isOurs && !this.received.has(endedBy)) await this.#comes(endedBy);
    this.#afterExit = onSignal;
  }

  /** Resolves when it has come, or will not come any more. */
  #comes(signal: NodeJS.Signals): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        process.off(signal, done);
        resolve();
      };
      const timer = setTimeout(done, ON_ITS_WAY_MS);
      process.on(signal, done);
    });
  }

  /** Signals have their own effect on this process again. */
  stop(): void {
    for (const signal of RELAYED) process.off(signal, this.#onSignal);
  }

  #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#afterExit !== undefined) {
      this.#afterExit(signal);
      return;
    }
    this.received.add(signal);
    if (this.#pid === undefined) this.#waiting.push(signal);
    else if (!cameFromTerminal(this.#pid, signal)) send(this.#pid, signal);
  };
}

/**
 * Who has sent a signal, Node does not tell. In the foreground of a terminal it was most likely the terminal. A command
 * that has no handler gets it all the same, for there a second one does no harm.
 */
function cameFromTerminal(pid: number, signal: NodeJS.Signals): boolean {
  return FROM_TERMINAL.has(signal) && isTerminalForeground() && handlesSignal(pid, constants.signals[signal]);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended, or changed its user: a sender without us would not have reached it either.
  }
}
