/** The end of a process that stands in for another one: whoever waits for it sees what ended that other one. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';

/** Signals that make a process leave an image of its memory. */
const DUMPING: readonly NodeJS.Signals[] = [
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGSYS',
];
const UNCATCHABLE: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGSTOP'];
const SIGNAL_MS = 1000;

/** Ends this process by a signal, so that whoever waits for it sees what ended the command; else by the code of a shell. */
export async function endBySignal(signal: NodeJS.Signals): Promise<void> {
  // The kernel ends no init process this way, and an image of this process would replace that of the command.
  const isPossible = process.pid !== 1 && !(DUMPING.includes(signal) && dumpsAreWritten());
  if (isPossible) {
    if (!UNCATCHABLE.includes(signal)) {
      // Node ignores or uses some signals: whose last listener goes has its own effect again.
      const listener = (): void => {};
      process.on(signal, listener);
      process.off(signal, listener);
    }
    process.kill(process.pid, signal);
    await delay(SIGNAL_MS);
  }
  endWithCode(128 + constants.signals[signal]);
}

/** Ends this process with an exit code. */
export function endWithCode(code: number): never {
  for (const fd of [0, 1, 2]) leaveLostTerminal(fd);
  process.exit(code);
}

/** At its end Node puts terminals back in order, and crashes over one that is gone; a descriptor of another file it lets be. */
function leaveLostTerminal(fd: number): void {
  try {
    if (!fstatSync(fd).isCharacterDevice() || isatty(fd)) return;
    closeSync(fd);
    openSync('/dev/null', 'r+');
  } catch {
    // It is not open: then there is nothing to put in order either.
  }
}

function dumpsAreWritten(): boolean {
  try {
    return !/^Max core file size\s+0\s/m.test(readFileSync('/proc/self/limits', 'latin1'));
  } catch {
    // Not Linux: the safe answer.
    return true;
  }
}
