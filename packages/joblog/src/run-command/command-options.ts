import type { TaskStatus } from '@taskspan/core';
import type { OutputPipes } from './output-pipe.ts';

/** What is done when a command runs longer than it may: end it, or let it run on and call the run expired. */
export type TimeoutAction = 'kill' | 'expire';

export const TIMEOUT_ACTIONS: readonly TimeoutAction[] = ['kill', 'expire'];

/** How a command ended, as `task.exit.category`. */
export type ExitCategory = 'success' | 'error' | 'signal' | 'timeout' | 'launch_failed';

/** How a command is to run. */
export interface RunCommandOptions {
  /** Bounded name of the work; default: the name of the program. */
  readonly operation?: string | undefined;
  /** Label for people, of any cardinality. */
  readonly label?: string | undefined;
  /** References to what the command produces; they stand in the manifest. */
  readonly outputs?: readonly string[] | undefined;
  /** References to what the command reads; they stand in the manifest. */
  readonly inputs?: readonly string[] | undefined;
  /** `task.id`; default: a new UUIDv7. */
  readonly id?: string | undefined;
  /** Milliseconds that the command may run; default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Default `kill`: SIGTERM to the command and what it started, after 10 s SIGKILL. */
  readonly onTimeout?: TimeoutAction | undefined;
  /** Milliseconds for which output is still read after the command's exit, while others hold its pipes; default 5000. */
  readonly drainMs?: number | undefined;
  /** Milliseconds between heartbeats; default 30 000. */
  readonly heartbeatMs?: number | undefined;
  /** Lines a second above which further ones are dropped, and counted in the log; default: no limit. */
  readonly maxLinesPerSecond?: number | undefined;
  /** Environment of the command; default: that of this process. The variables of the run come on top. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Working folder of the command; default: that of this process. */
  readonly cwd?: string | undefined;
  /** True passes the output on to stdout and stderr of this process as well; default false. */
  readonly show?: boolean | undefined;
  /** Ends the command like a timeout when it aborts; the run is cancelled. */
  readonly signal?: AbortSignal | undefined;
}

/** How a command ended. */
export interface CommandResult {
  /** `task.id`; undefined when nothing in this process keeps runs, and none was given. */
  readonly id: string | undefined;
  /** Status of the run. */
  readonly status: TaskStatus;
  readonly category: ExitCategory;
  /** Undefined when a signal ended it, or when it was never launched. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** `exit_code_3`, `SIGKILL`, `timeout`, `aborted`, or the code of the error that kept it from being launched. */
  readonly errorType: string | undefined;
  /** What a shell would say: the exit code, 124 after a timeout, 126 or 127 when not launched, 128 + n after signal n. */
  readonly shellStatus: number;
  /** From launch to exit. */
  readonly durationSeconds: number;
}

/**
 * What is done besides when the command stands in for this very process, as under `taskspan run`: it gets our stdin, and
 * the signals that are meant for it.
 */
export interface Foreground {
  /** Called when what came so far must be safe before it is shown. */
  written(): void;
  /** The pipes, if they were opened while something else was loaded. */
  readonly pipes?: Promise<OutputPipes> | undefined;
}
