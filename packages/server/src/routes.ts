/** Every route, once: the server, the OpenAPI document and the docs are made from this table. */
import type { SchemaName } from './answer-schemas.ts';
import type { QueryName } from './parameters.ts';
import type { ProblemCode } from './problem.ts';

export type RouteName =
  | 'listJobs'
  | 'getJob'
  | 'getJobLogs'
  | 'streamJobLogs'
  | 'getJobMetrics'
  | 'getJobTrace'
  | 'search'
  | 'getMetrics'
  | 'getHealth'
  | 'getOpenApi';

export interface RouteSpec {
  /** As in OpenAPI: `{id}` is the id of a run. */
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly query: readonly QueryName[];
  /** Those of `query` that must be given. */
  readonly required?: readonly QueryName[];
  /** `limit` when none is given. */
  readonly defaultLimit?: number;
  readonly answer: AnswerSpec;
  /** Beside those that every route has. */
  readonly problems: readonly ProblemCode[];
  /** Reads `Last-Event-ID`. */
  readonly resumes?: true;
  /** Needs no token and has no secret. */
  readonly isOpen?: true;
}

/** JSON of a schema, or text of another type. */
type AnswerSpec =
  | { readonly type: 'application/json'; readonly schema: SchemaName | undefined; readonly what: string }
  | { readonly type: 'text/event-stream' | 'text/plain'; readonly what: string };

export const ROUTES: Readonly<Record<RouteName, RouteSpec>> = {
  listJobs: {
    path: '/api/v1/jobs',
    summary: 'Runs, newest first',
    description: 'Every parameter narrows the list down. The days are those of UTC on which the runs started.',
    query: ['from', 'to', 'operation', 'status', 'label', 'service', 'q', 'limit', 'cursor'],
    defaultLimit: 100,
    answer: { type: 'application/json', schema: 'Jobs', what: 'A page of runs.' },
    problems: ['bad_request', 'limited_token', 'busy'],
  },
  getJob: {
    path: '/api/v1/jobs/{id}',
    summary: 'One run',
    description: 'The latest run under the id: status, duration, outputs, progress; with all runs under it.',
    query: ['service'],
    answer: { type: 'application/json', schema: 'Job', what: 'The run.' },
    problems: ['bad_request', 'limited_token', 'unknown_job', 'busy'],
  },
  getJobLogs: {
    path: '/api/v1/jobs/{id}/logs',
    summary: 'The log of a run',
    description: 'Entries in their order: by number within one writer, writers merged by time.',
    query: ['since', 'level', 'service', 'limit', 'cursor'],
    defaultLimit: 1000,
    answer: { type: 'application/json', schema: 'JobLogs', what: 'A page of entries.' },
    problems: ['bad_request', 'limited_token', 'unknown_job', 'busy'],
  },
  streamJobLogs: {
    path: '/api/v1/jobs/{id}/logs/stream',
    summary: 'The log of a run as it is written',
    description:
      'What there is after `since`, then what comes, as server-sent events: `entry` with a `JobLogEntry` as data and a ' +
      'cursor as id, and `end` when the run has ended. A client that comes back with `Last-Event-ID` misses nothing; ' +
      'one that comes back after `end` is told by a 204 to stay away.',
    query: ['since', 'level', 'service', 'cursor'],
    answer: { type: 'text/event-stream', what: 'Events `entry` and `end`; comments in between are signs of life.' },
    problems: ['bad_request', 'limited_token', 'unknown_job', 'busy'],
    resumes: true,
  },
  getJobMetrics: {
    path: '/api/v1/jobs/{id}/metrics',
    summary: 'The metric points of a run',
    description: 'What the run told by metric entries, in order.',
    query: ['service'],
    answer: { type: 'application/json', schema: 'JobMetrics', what: 'All points.' },
    problems: ['bad_request', 'limited_token', 'unknown_job', 'busy'],
  },
  getJobTrace: {
    path: '/api/v1/jobs/{id}/trace',
    summary: 'The spans of a run',
    description: 'As OTLP-JSON, which tracing systems import; empty when the run was not sampled.',
    query: ['service'],
    answer: { type: 'application/json', schema: 'JobTrace', what: 'The spans.' },
    problems: ['bad_request', 'limited_token', 'unknown_job', 'busy'],
  },
  search: {
    path: '/api/v1/search',
    summary: 'Entries of all runs that hold a text',
    description: 'Newest day first; case of ASCII letters does not matter.',
    query: ['q', 'from', 'to', 'service', 'limit', 'cursor'],
    required: ['q'],
    defaultLimit: 100,
    answer: { type: 'application/json', schema: 'SearchHits', what: 'A page of entries, each with its run.' },
    problems: ['bad_request', 'limited_token', 'busy'],
  },
  getMetrics: {
    path: '/api/v1/metrics',
    summary: 'Metrics of all runs, for Prometheus',
    description:
      'Text exposition format 0.0.4, rendered from the files: by label and operation, never by run. A token that is ' +
      'limited to a service does not open it.',
    query: [],
    answer: { type: 'text/plain', what: 'The text.' },
    problems: ['bad_request', 'limited_token', 'busy'],
  },
  getHealth: {
    path: '/healthz',
    summary: 'Whether the server answers',
    description: 'Needs no token.',
    query: [],
    answer: { type: 'application/json', schema: 'Health', what: 'It does.' },
    problems: ['bad_request'],
    isOpen: true,
  },
  getOpenApi: {
    path: '/openapi.json',
    summary: 'This description',
    description: 'An OpenAPI 3.1 document. Needs no token.',
    query: [],
    answer: { type: 'application/json', schema: undefined, what: 'The document.' },
    problems: ['bad_request'],
    isOpen: true,
  },
};

/** The route whose path this is, whatever the method. */
export function routeOfPath(path: string): RouteName | undefined {
  return PATTERNS.find(([, pattern]) => pattern.test(path))?.[0];
}

const PATTERNS = (Object.keys(ROUTES) as RouteName[]).map(
  (name) => [name, new RegExp(`^${ROUTES[name].path.replace('{id}', '[^/]+').replaceAll('.', '\\.')}$`)] as const,
);
