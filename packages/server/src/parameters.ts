/** The parameters of the routes, once: how each is read, and what the OpenAPI document says of it. */
import { TASK_STATUSES } from '@taskspan/core';
import { type JobStatus, LOG_LEVELS, OPEN_JOB_STATUSES, parseLevel, parseNanosText } from '@taskspan/joblog';
import type { JsonSchema } from './json-schema.ts';
import { HttpProblem } from './problem.ts';

/** What a query says, by the names of its parameters. */
export interface QueryValues {
  readonly from?: string;
  readonly to?: string;
  readonly operation?: string;
  readonly status?: JobStatus;
  readonly label?: string;
  readonly service?: string;
  readonly q?: string;
  /** Unix nanoseconds. */
  readonly since?: bigint;
  /** 0 DEBUG to 3 ERROR. */
  readonly level?: number;
  readonly limit?: number;
  readonly cursor?: string;
}

export type QueryName = keyof QueryValues;

interface ParameterSpec<T> {
  readonly meaning: string;
  readonly schema: JsonSchema;
  /** Completes `<name> must be …`. */
  readonly wanted: string;
  /** @returns undefined for what is not understood */
  read(text: string): T | undefined;
}

const MOST_ITEMS = 10_000;

/** The last nanosecond of a signed 64-bit number. */
const LAST_NANO = 2n ** 63n - 1n;

export const JOB_STATUSES: readonly JobStatus[] = [...TASK_STATUSES, ...OPEN_JOB_STATUSES];

export const QUERY_PARAMETERS: { readonly [Name in QueryName]-?: ParameterSpec<NonNullable<QueryValues[Name]>> } = {
  from: day('First UTC day of the runs’ start, inclusive.'),
  to: day('Last UTC day of the runs’ start, inclusive.'),
  operation: text('Only runs of this operation.'),
  status: {
    meaning: 'Only runs that ended so, or that are open: `running`, or `unknown` when nothing was heard for 24 hours.',
    schema: { type: 'string', enum: JOB_STATUSES },
    wanted: `one of ${JOB_STATUSES.join(', ')}`,
    read: (value) => JOB_STATUSES.find((status) => status === value),
  },
  label: text('Only runs with this label.'),
  service: text('Only runs of this `service.name`.'),
  q: text('A text to look for. Of runs: in id, operation, label and messages; case does not matter.'),
  since: {
    meaning: 'Only entries after this instant: RFC 3339, or Unix nanoseconds.',
    schema: { type: 'string', minLength: 1 },
    wanted: 'an instant as RFC 3339 or in Unix nanoseconds',
    read: readInstant,
  },
  level: {
    meaning: 'Only entries of at least this level, by name in any case or by number; every kind of entry has one.',
    schema: { type: 'string', enum: [...LOG_LEVELS.map((level) => level.toLowerCase()), '0', '1', '2', '3'] },
    wanted: `one of ${LOG_LEVELS.join(', ').toLowerCase()}, or 0 to 3`,
    read: (value) => {
      const level = parseLevel(value);
      return level === undefined ? undefined : LOG_LEVELS.indexOf(level);
    },
  },
  limit: {
    meaning: 'How many at most.',
    schema: { type: 'integer', minimum: 1, maximum: MOST_ITEMS },
    wanted: `a whole number from 1 to ${MOST_ITEMS}`,
    read: (value) => {
      const number = /^\d{1,5}$/.test(value) ? Number(value) : 0;
      return number >= 1 && number <= MOST_ITEMS ? number : undefined;
    },
  },
  cursor: text('`next_cursor` of the answer before: goes on where that ended.'),
};

/** What of a route tells its parameters. */
interface QuerySpec {
  readonly query: readonly QueryName[];
  readonly required?: readonly QueryName[];
}

/**
 * Reads the query of a request.
 *
 * @throws HttpProblem that names the parameter, also for one that the route does not have: it would be misspelt
 */
export function readQuery(query: Readonly<Record<string, unknown>>, route: QuerySpec): QueryValues {
  const { query: names, required = [] } = route;
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(query)) {
    const known = names.find((candidate) => candidate === name);
    if (known === undefined) {
      const list = names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`;
      throw new HttpProblem('bad_request', `${shown(name)} is no parameter of this path: ${list}`, cut(name));
    }
    if (typeof value !== 'string') throw new HttpProblem('bad_request', `${name} must be given once`, name);
    const { read, wanted } = QUERY_PARAMETERS[known];
    const found = read(value);
    if (found === undefined) {
      throw new HttpProblem('bad_request', `${name} must be ${wanted}, got ${shown(value)}`, name);
    }
    values[known] = found;
  }
  for (const name of required) {
    if (values[name] === undefined) throw new HttpProblem('bad_request', `${name} must be given`, name);
  }
  return values;
}

function day(meaning: string): ParameterSpec<string> {
  return {
    meaning,
    schema: { type: 'string', format: 'date' },
    wanted: 'a day such as 2026-01-27',
    read: (value) => (isDay(value) ? value : undefined),
  };
}

function text(meaning: string): ParameterSpec<string> {
  return {
    meaning,
    schema: { type: 'string', minLength: 1 },
    wanted: 'a text that is not empty',
    read: (value) => (value === '' ? undefined : value),
  };
}

function isDay(value: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  // A day that the month does not have is none, or one of the next month.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

function readInstant(value: string): bigint | undefined {
  if (/^\d{1,19}$/.test(value)) {
    const nanos = BigInt(value);
    return nanos <= LAST_NANO ? nanos : undefined;
  }
  // The plus of an offset means a space in a query, which few people know.
  return parseNanosText(value.replace(/ (\d\d:\d\d)$/, '+$1'));
}

const SHOWN_CHARS = 100;

function cut(value: string): string {
  return value.length > SHOWN_CHARS ? `${value.slice(0, SHOWN_CHARS)}…` : value;
}

function shown(value: string): string {
  return JSON.stringify(cut(value));
}
