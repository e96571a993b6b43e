import { constants } from 'node:os';
import { basename } from 'node:path';
import type { TaskStatus } from '@taskspan/core';
import type { ExitCategory } from './command-options.ts';

/** What is known when a command is over. */
export interface CommandEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Why it was never launched. */
  readonly launchError: NodeJS.ErrnoException | undefined;
  /** Whether it was ended because its time was over. */
  readonly timedOut: boolean;
  /** Whether the caller has ended it. */
  readonly aborted: boolean;
  /** Signals that were meant for the command, and reached it. */
  readonly received: ReadonlySet<NodeJS.Signals>;
  /** Whether it has ended after its deadline, which it was allowed to. */
  readonly late: boolean;
}

/** How all this is called. */
export interface CommandOutcome {
  readonly status: TaskStatus;
  readonly category: ExitCategory;
  readonly errorType: string | undefined;
  /** As a shell would say it. */
  readonly shellStatus: number;
}

const TIMEOUT_STATUS = 124;
const NOT_EXECUTABLE_STATUS = 126;
const NOT_FOUND_STATUS = 127;
const SIGNAL_BASE = 128;

/** Decides how a command ended. */
export function commandOutcome(end: CommandEnd): CommandOutcome {
  const { exitCode, signal, launchError } = end;
  if (launchError !== undefined) {
    const code = launchError.code ?? launchError.name;
    const shellStatus = code === 'ENOENT' ? NOT_FOUND_STATUS : NOT_EXECUTABLE_STATUS;
    return { status: 'failure', category: 'launch_failed', errorType: code, shellStatus };
  }
  const own = signal === undefined ? (exitCode ?? 0) : SIGNAL_BASE + constants.signals[signal];
  const category = signal === undefined ? (own === 0 ? 'success' : 'error') : 'signal';
  if (end.timedOut) {
    return { status: 'failure', category: 'timeout', errorType: 'timeout', shellStatus: TIMEOUT_STATUS };
  }
  if (end.aborted || isEndedBy(end)) return { status: 'cancelled', category, errorType: 'aborted', shellStatus: own };
  if (category === 'success') {
    return { status: end.late ? 'expired' : 'success', category, errorType: undefined, shellStatus: own };
  }
  return { status: 'failure', category, errorType: signal ?? `exit_code_${own}`, shellStatus: own };
}

/** True when it has ended by a signal that it got from us, or says so with its exit code as shells do. */
function isEndedBy({ signal, exitCode, received }: CommandEnd): boolean {
  if (signal !== undefined) return received.has(signal);
  return [...received].some((one) => exitCode === SIGNAL_BASE + constants.signals[one]);
}

/** The name of a program, without its folder: what an operation is called by default. */
export function programName(program: string): string {
  return basename(program) || program;
}
