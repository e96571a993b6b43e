import { inspect } from 'node:util';
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

/** What an option must be, and how that is said. */
interface Rule {
  readonly wanted: string;
  fits(value: unknown): boolean;
}

const TEXT: Rule = { wanted: 'a string', fits: (value) => typeof value === 'string' };
const TEXTS: Rule = {
  wanted: 'an array of strings',
  fits: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
};

const RULES: { readonly [K in keyof Required<RunCommandOptions>]: Rule } = {
  operation: TEXT,
  label: TEXT,
  outputs: TEXTS,
  inputs: TEXTS,
  id: TEXT,
  timeoutMs: milliseconds(1),
  onTimeout: {
    wanted: TIMEOUT_ACTIONS.join(' or '),
    fits: (value) => (TIMEOUT_ACTIONS as readonly unknown[]).includes(value),
  },
  drainMs: milliseconds(0),
  heartbeatMs: milliseconds(1),
  maxLinesPerSecond: {
    wanted: 'a number from 1',
    fits: (value) => typeof value === 'number' && value >= 1 && value <= Number.MAX_VALUE,
  },
  env: {
    wanted: 'an object of strings',
    fits: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((one) => one === undefined || typeof one === 'string'),
  },
  cwd: TEXT,
  show: { wanted: 'true or false', fits: (value) => typeof value === 'boolean' },
  signal: { wanted: 'an AbortSignal', fits: (value) => value instanceof AbortSignal },
};

/**
 * Checks what a caller gave: a limit that is ignored over a slip of the pen is worse than a command that is not run.
 *
 * @throws TypeError that names the option and its value
 */
export function checkCommand(command: readonly string[], options: RunCommandOptions): CheckedOptions {
  if (!TEXTS.fits(command) || !command[0]) {
    throw new TypeError(
      `command cannot be ${shown(command)}: an array of strings is wanted: the program, then its arguments`,
    );
  }
  checkOptions(options);
  const [program, ...args] = command;
  return {
    program,
    args,
    operation: options.operation ?? programName(program),
    id: options.id,
    label: options.label,
    outputs: options.outputs ?? [],
    inputs: options.inputs ?? [],
    timeoutMs: options.timeoutMs,
    onTimeout: options.onTimeout ?? 'kill',
    drainMs: options.drainMs ?? DEFAULT_DRAIN_MS,
    heartbeatMs: options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS,
    maxLinesPerSecond: options.maxLinesPerSecond,
    env: options.env ?? process.env,
    cwd: options.cwd,
    show: options.show === true,
    signal: options.signal,
  };
}

function checkOptions(options: RunCommandOptions): void {
  if (typeof options !== 'object' || options === null) throw wrong('options', options, 'an object');
  const rules: Readonly<Record<string, Rule>> = RULES;
  for (const [field, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    if (rule === undefined) {
      throw new TypeError(`there is no option ${field} (${shown(value)}); known are ${Object.keys(rules).join(', ')}`);
    }
    // What is in an environment is nobody's business.
    if (value !== undefined && !rule.fits(value))
      throw wrong(field, field === 'env' ? typeof value : value, rule.wanted);
  }
}

function milliseconds(least: number): Rule {
  return {
    wanted: `a number of milliseconds from ${least} to ${LONGEST_TIMER_MS}`,
    fits: (value) => typeof value === 'number' && value >= least && value <= LONGEST_TIMER_MS,
  };
}

function wrong(field: string, value: unknown, wanted: string): TypeError {
  return new TypeError(`${field} cannot be ${shown(value)}: ${wanted} is wanted`);
}

function shown(value: unknown): string {
  return inspect(value, { depth: 1, maxArrayLength: 5, maxStringLength: 100, breakLength: Number.POSITIVE_INFINITY });
}
