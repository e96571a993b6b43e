import { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { getSystemErrorMap } from 'node:util';
import { ATTR, EVENT, SEVERITY } from '@taskspan/core';
import { type RecordContent, wallMs } from '@taskspan/core/hub';
import { type CommandOutcome, commandOutcome, programName } from '../run-command/command-end.ts';

/** How a process ended, and the record that tells it. */
export interface ProcessExit {
  readonly outcome: CommandOutcome;
  readonly record: RecordContent;
}

/**
 * Waits for the end of a process that somebody else has started. It is listened to before this returns, so that one that
 * cannot be launched does not end us by an `error` that nobody handles.
 *
 * @param source what may be a process
 * @returns undefined when it is none
 */
export function exitOf(source: unknown): Promise<ProcessExit> | undefined {
  if (!(source instanceof ChildProcess)) return undefined;
  return source.pid === undefined ? launchFailure(source) : ended(source);
}

async function ended(child: ChildProcess): Promise<ProcessExit> {
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once('exit', resolve));
  }
  const exitCode = child.exitCode ?? undefined;
  const signal = child.signalCode ?? undefined;
  const outcome = commandOutcome({ ...UNTOUCHED, exitCode, signal });
  const record: RecordContent = {
    eventName: EVENT.EXITED,
    severity: outcome.status === 'failure' ? SEVERITY.error : SEVERITY.info,
    timeMs: wallMs(),
    attributes: {
      ...(child.pid === undefined ? {} : { [ATTR.PROCESS_ID]: child.pid }),
      ...(exitCode === undefined ? {} : { [ATTR.EXIT_CODE]: exitCode }),
      ...(signal === undefined ? {} : { [ATTR.EXIT_SIGNAL]: signal }),
      [ATTR.EXIT_CATEGORY]: outcome.category,
    },
    isAlone: true,
  };
  return { outcome, record };
}

async function launchFailure(child: ChildProcess): Promise<ProcessExit> {
  const launchError = await launchErrorOf(child);
  const outcome = commandOutcome({ ...UNTOUCHED, launchError });
  const record: RecordContent = {
    eventName: EVENT.LAUNCH_FAILED,
    severity: SEVERITY.error,
    body: launchError.message,
    attributes: {
      [ATTR.EXECUTABLE_NAME]: programName(child.spawnfile),
      [ATTR.EXIT_CATEGORY]: outcome.category,
      [ATTR.ERROR_TYPE]: outcome.errorType,
    },
    isAlone: true,
  };
  return { outcome, record };
}

async function launchErrorOf(child: ChildProcess): Promise<NodeJS.ErrnoException> {
  if (child.exitCode === null) {
    const [error] = await once(child, 'error').catch((thrown: unknown) => [thrown]);
    return error as NodeJS.ErrnoException;
  }
  // It has been told already; what is left of it is its number.
  const [code = 'UNKNOWN', meaning = 'unknown error'] = getSystemErrorMap().get(child.exitCode) ?? [];
  return Object.assign(new Error(`spawn ${child.spawnfile} ${code}: ${meaning}`), { code });
}

/** Nobody but itself, or who knows of it, has ended it. */
const UNTOUCHED = {
  exitCode: undefined,
  signal: undefined,
  launchError: undefined,
  timedOut: false,
  aborted: false,
  received: new Set<NodeJS.Signals>(),
  late: false,
} as const;
