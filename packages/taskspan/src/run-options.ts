/** What can be said to `taskspan run`, as one table: it is read by it, and help is made from it. */

import type { TimeoutAction } from '@taskspan/joblog/run';
import type { Command } from 'commander';
import { parseDuration } from './duration-text.ts';

/** What was said. */
export interface RunRequest {
  readonly command: readonly string[];
  readonly operation: string | undefined;
  readonly label: string | undefined;
  readonly outputs: readonly string[];
  readonly inputs: readonly string[];
  readonly id: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly onTimeout: TimeoutAction;
  readonly drainMs: number | undefined;
  readonly heartbeatMs: number | undefined;
  readonly maxLinesPerSecond: number | undefined;
  readonly envFiles: readonly string[];
  readonly dir: string | undefined;
  readonly quiet: boolean;
}

/** The part of it that options are collected in. */
type Draft = { -readonly [K in keyof RunRequest]: RunRequest[K] };

interface RunOption {
  readonly flag: string;
  /** Name of its value in the help; undefined: it has none. */
  readonly value?: string;
  readonly meaning: string;
  /** @returns what is wrong with the value, as the end of a sentence */
  apply(draft: Draft, value: string): string | undefined;
}

/** setTimeout takes no more. */
const LONGEST_HOURS = 596;
const WRONG_DURATION = `a duration such as 500ms, 30s, 5m or 2h is wanted, at most ${LONGEST_HOURS}h`;

export const RUN_OPTIONS: readonly RunOption[] = [
  {
    flag: '--operation',
    value: 'name',
    meaning: 'name of the work, the label of its metrics (default: name of the program)',
    apply: text((draft, value) => {
      draft.operation = value;
    }),
  },
  {
    flag: '--label',
    value: 'text',
    meaning: 'label of this kind of job',
    apply: text((draft, value) => {
      draft.label = value;
    }),
  },
  {
    flag: '--output',
    value: 'reference',
    meaning: 'what it produces; can be given several times',
    apply: text((draft, value) => {
      draft.outputs = [...draft.outputs, value];
    }),
  },
  {
    flag: '--input',
    value: 'reference',
    meaning: 'what it reads; can be given several times',
    apply: text((draft, value) => {
      draft.inputs = [...draft.inputs, value];
    }),
  },
  {
    flag: '--id',
    value: 'id',
    meaning: 'id of the run (default: TASKSPAN_RUN_ID, DATABUILD_JOB_RUN_ID, or a new UUID)',
    apply: text((draft, value) => {
      draft.id = value;
    }),
  },
  {
    flag: '--timeout',
    value: 'duration',
    meaning: 'how long it may run: 500ms, 30s, 5m, 2h (default: no limit)',
    apply: duration((draft, ms) => {
      draft.timeoutMs = ms;
    }),
  },
  {
    flag: '--on-timeout',
    value: 'kill|expire',
    meaning:
      'kill: SIGTERM, after 10 s SIGKILL, exit code 124; expire: it runs on and counts as expired (default: kill)',
    apply: (draft, value) => {
      if (value !== 'kill' && value !== 'expire') return 'kill or expire is wanted';
      draft.onTimeout = value;
      return undefined;
    },
  },
  {
    flag: '--drain',
    value: 'duration',
    meaning: 'how long output of processes left behind is read after the exit (default: 5s)',
    apply: duration((draft, ms) => {
      draft.drainMs = ms;
    }, 0),
  },
  {
    flag: '--heartbeat',
    value: 'duration',
    meaning: 'time between records of memory and processor time (default: 30s)',
    apply: duration((draft, ms) => {
      draft.heartbeatMs = ms;
    }),
  },
  {
    flag: '--max-lines',
    value: 'number',
    meaning: 'lines a second above which further ones are dropped from the log, and counted there (default: no limit)',
    apply: (draft, value) => {
      const number = Number(value);
      if (!(Number.isInteger(number) && number >= 1)) return 'a whole number from 1 is wanted';
      draft.maxLinesPerSecond = number;
      return undefined;
    },
  },
  {
    flag: '--env-file',
    value: 'file',
    meaning: 'lines of NAME=value for the environment; what is set already wins; can be given several times',
    apply: text((draft, value) => {
      draft.envFiles = [...draft.envFiles, value];
    }),
  },
  {
    flag: '--dir',
    value: 'folder',
    meaning: 'data folder (default: as for an application)',
    apply: text((draft, value) => {
      draft.dir = value;
    }),
  },
  {
    flag: '--quiet',
    meaning: 'do not pass the output on, only say in a line when the command failed; it is in the log',
    apply: (draft) => {
      draft.quiet = true;
      return undefined;
    },
  },
];

const DESCRIPTION = 'run a command of any kind as a task: its output, resource use and end are in one log';

/** What is wrong with a command line, as a sentence for its user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads the arguments after `run`. Options end with `--`, or with the first word that is none: the rest is the command.
 *
 * @returns undefined when help is asked for
 * @throws UsageError
 */
export function readRunArguments(args: readonly string[]): RunRequest | undefined {
  const draft: Draft = {
    command: [],
    operation: undefined,
    label: undefined,
    outputs: [],
    inputs: [],
    id: undefined,
    timeoutMs: undefined,
    onTimeout: 'kill',
    drainMs: undefined,
    heartbeatMs: undefined,
    maxLinesPerSecond: undefined,
    envFiles: [],
    dir: undefined,
    quiet: false,
  };
  let at = 0;
  for (; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '--help' || word === '-h') return undefined;
    if (word === '--' || !word.startsWith('-')) break;
    const [flag = '', ...given] = word.split('=');
    const option = RUN_OPTIONS.find((one) => one.flag === flag);
    if (option === undefined) throw new UsageError(`unknown option '${flag}'`);
    if (option.value === undefined && given.length > 0) throw new UsageError(`option '${flag}' takes no value`);
    if (option.value !== undefined && given.length === 0) at += 1;
    const value = option.value === undefined ? '' : given.length > 0 ? given.join('=') : args[at];
    if (value === undefined) throw new UsageError(`option '${flag} <${option.value}>' argument missing`);
    const wrong = option.apply(draft, value);
    if (wrong !== undefined)
      throw new UsageError(`option '${flag} <${option.value}>' argument '${value}' is invalid: ${wrong}`);
  }
  draft.command = args.slice(args[at] === '--' ? at + 1 : at);
  if (draft.command.length === 0 || draft.command[0] === '') throw new UsageError('no command to run');
  return draft;
}

/** The text that `taskspan run --help` prints. */
export function runHelp(): string {
  const rows = RUN_OPTIONS.map(({ flag, value, meaning }) => [
    value === undefined ? flag : `${flag} <${value}>`,
    meaning,
  ]);
  const width = Math.max(...rows.map(([left = '']) => left.length));
  return [
    'Usage: taskspan run [options] -- command [arguments...]',
    '',
    DESCRIPTION,
    '',
    'Options:',
    ...rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`),
    '',
    'Exit code: that of the command; 124 after a timeout, 125 when the options are wrong,',
    '126 when the command cannot be executed, 127 when it is not found, 128 + n after signal n.',
    '',
  ].join('\n');
}

/** Shows `run` in the help of `taskspan`. The command itself is carried out without this parser. */
export function registerRun(program: Command): void {
  const run = program.command('run').description(DESCRIPTION).argument('<command...>').helpOption(false);
  run.helpInformation = runHelp;
}

function text(set: (draft: Draft, value: string) => void): RunOption['apply'] {
  return (draft, value) => {
    if (value === '') return 'it must not be empty';
    set(draft, value);
    return undefined;
  };
}

function duration(set: (draft: Draft, ms: number) => void, leastMs = 1): RunOption['apply'] {
  return (draft, value) => {
    const ms = parseDuration(value);
    if (ms === undefined || ms < leastMs || ms > LONGEST_HOURS * 3_600_000) return WRONG_DURATION;
    set(draft, ms);
    return undefined;
  };
}
