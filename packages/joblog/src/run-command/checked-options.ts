import { reportOnce } from '@taskspan/core/hub';
import { programName } from './command-end.ts';
import { type RunCommandOptions, TIMEOUT_ACTIONS, type TimeoutAction } from './command-options.ts';

/** A command and its options, every value fit for use. */
export interface CheckedOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly operation: string;
  readonly id: string | undefined;
  readonly label: string | undefined;
  readonly outputs: readonly string[];
  readonly inputs: readonly string[];
  readonly timeoutMs: number | undefined;
  readonly onTimeout: TimeoutAction;
  readonly drainMs: number;
  readonly heartbeatMs: number;
  readonly maxLinesPerSecond: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  readonly show: boolean;
  readonly signal: AbortSignal | undefined;
}

const DEFAULT_DRAIN_MS = 5000;
const DEFAULT_HEARTBEAT_MS = 30_000;
/** A timer takes no more than a signed 32-bit number of milliseconds: 24.8 days. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Checks what a caller gave. An option that is not what it should be is reported once, and its default is taken: it must
 * not cost the work.
 *
 * @throws TypeError when there is no command to run
 */
export function checkCommand(command: readonly string[], options: RunCommandOptions): CheckedOptions {
  const [program, ...args] = Array.isArray(command) ? (command as readonly unknown[]).map(String) : [];
  if (program === undefined || program === '') {
    throw new TypeError('a command is an array of strings: the program, then its arguments');
  }
  const { onTimeout } = options;
  if (onTimeout !== undefined && !TIMEOUT_ACTIONS.includes(onTimeout)) report('onTimeout', onTimeout, 'kill');
  return {
    program,
    args,
    operation: options.operation ?? programName(program),
    id: options.id,
    label: options.label,
    outputs: texts('outputs', options.outputs),
    inputs: texts('inputs', options.inputs),
    timeoutMs: number('timeoutMs', options.timeoutMs, { least: 1, most: LONGEST_TIMER_MS }),
    onTimeout: onTimeout === 'expire' ? 'expire' : 'kill',
    drainMs: number('drainMs', options.drainMs, { least: 0, most: LONGEST_TIMER_MS }) ?? DEFAULT_DRAIN_MS,
    heartbeatMs:
      number('heartbeatMs', options.heartbeatMs, { least: 1, most: LONGEST_TIMER_MS }) ?? DEFAULT_HEARTBEAT_MS,
    maxLinesPerSecond: number('maxLinesPerSecond', options.maxLinesPerSecond, { least: 1, most: Number.MAX_VALUE }),
    env: options.env ?? process.env,
    cwd: options.cwd,
    show: options.show === true,
    signal: options.signal,
  };
}

function number(
  field: string,
  value: number | undefined,
  range: { readonly least: number; readonly most: number },
): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= range.least && value <= range.most) return value;
  report(field, value, 'its default');
  return undefined;
}

function texts(field: string, value: readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  report(field, value, 'none');
  return [];
}

function report(field: string, value: unknown, used: string): void {
  reportOnce(`runCommand.${field}`, `${field} cannot be ${JSON.stringify(value) ?? String(value)}; ${used} is used`);
}
