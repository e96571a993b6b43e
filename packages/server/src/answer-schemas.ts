/** The shapes of the answers: names and types are those of `@taskspan/joblog`, a test holds real answers against them. */
import { LOG_LEVELS } from '@taskspan/joblog';
import type { JsonSchema } from './json-schema.ts';
import { JOB_STATUSES } from './parameters.ts';
import { PROBLEMS } from './problem.ts';

export type SchemaName =
  | 'JobRow'
  | 'Job'
  | 'Jobs'
  | 'JobLogEntry'
  | 'JobLogs'
  | 'JobMetrics'
  | 'JobTrace'
  | 'SearchHits'
  | 'Health'
  | 'Problem';

const OFTEN_MISSING = ['next_cursor', 'skipped_lines'];

const TEXT: JsonSchema = { type: 'string' };
const TEXTS: JsonSchema = { type: 'array', items: TEXT };
const TEXT_OR_NULL: JsonSchema = { type: ['string', 'null'] };
const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
const TEXT_MAP: JsonSchema = { type: 'object', additionalProperties: TEXT };
const OUTPUTS: JsonSchema = {
  type: 'array',
  items: { type: 'object', properties: { str: TEXT }, required: ['str'], additionalProperties: false },
};

const DOUBLE: JsonSchema = {
  description: 'A double; beyond what JSON has it is a text.',
  anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }],
};

const JOB_FIELDS: Readonly<Record<string, JsonSchema>> = {
  job_id: { type: 'string', description: 'The id; several runs under one id are its attempts.' },
  run: { type: 'string', description: 'Tells the attempts under one id apart.' },
  operation: TEXT,
  label: TEXT_OR_NULL,
  status: { enum: JOB_STATUSES, description: '`running` is open; `unknown` is open, and silent for 24 hours.' },
  attempt: { type: ['integer', 'null'] },
  started_at: { type: ['string', 'null'], format: 'date-time' },
  ended_at: { type: ['string', 'null'], format: 'date-time' },
  duration_seconds: { type: ['number', 'null'] },
  outputs: TEXTS,
  error_type: TEXT_OR_NULL,
  progress: { type: ['number', 'null'], minimum: 0, maximum: 1 },
  service: { type: ['string', 'null'], description: '`service.name`' },
};

const METRIC_FIELDS: Readonly<Record<string, JsonSchema>> = { name: TEXT, value: DOUBLE, labels: TEXT_MAP, unit: TEXT };

const SKIPPED: Readonly<Record<string, JsonSchema>> = {
  skipped_lines: {
    type: 'integer',
    minimum: 1,
    description: 'Lines that could not be read; left out when there are none.',
  },
};

const PAGE: Readonly<Record<string, JsonSchema>> = {
  has_more: { type: 'boolean', description: 'Exact: whether there is anything after this.' },
  next_cursor: { type: 'string', description: 'For `cursor` of the next request; there when `has_more` is true.' },
  ...SKIPPED,
};

const CUT: Readonly<Record<string, JsonSchema>> = {
  has_more: {
    type: 'boolean',
    description: 'Whether there are more than an answer holds; left out when there are not.',
  },
};

/** `components/schemas` of the OpenAPI document. */
export const ANSWER_SCHEMAS: Readonly<Record<SchemaName, JsonSchema>> = {
  JobRow: closed(JOB_FIELDS),
  Job: closed({
    ...JOB_FIELDS,
    attempts: { type: 'array', items: ref('JobRow'), description: 'All runs under the id, oldest first.' },
  }),
  Jobs: closed({ jobs: { type: 'array', items: ref('JobRow'), description: 'Newest first.' }, ...PAGE }),
  JobLogEntry: {
    description: 'Exactly one of `log`, `metric`, `event` and `manifest` is there.',
    ...closed(
      {
        timestamp: { type: 'string', format: 'date-time', description: 'UTC, with nanoseconds.' },
        job_id: TEXT,
        outputs: OUTPUTS,
        sequence_number: { ...COUNT, description: 'From 1; 0 for what a writer does not number.' },
        log: closed({ level: { enum: LOG_LEVELS }, message: TEXT, fields: TEXT_MAP }),
        metric: closed(METRIC_FIELDS),
        event: closed({
          event_type: { type: 'string', description: '`started`, `launched`, `heartbeat`, `exited`, `ended`…' },
          job_label: TEXT,
          metadata: TEXT_MAP,
        }),
        manifest: closed({
          outputs: OUTPUTS,
          inputs: OUTPUTS,
          start_time: TEXT,
          end_time: TEXT,
          metadata: TEXT_MAP,
        }),
      },
      ['log', 'metric', 'event', 'manifest'],
    ),
    oneOf: ['log', 'metric', 'event', 'manifest'].map((content) => ({ required: [content] })),
  },
  JobLogs: closed({ entries: { type: 'array', items: ref('JobLogEntry') }, ...PAGE }),
  JobMetrics: closed(
    {
      metrics: {
        type: 'array',
        items: closed({ ...METRIC_FIELDS, timestamp: { type: 'string', format: 'date-time' } }),
      },
      ...CUT,
      ...SKIPPED,
    },
    ['has_more'],
  ),
  JobTrace: closed(
    {
      resourceSpans: { type: 'array', items: { type: 'object' }, description: 'As OTLP-JSON has it.' },
      ...CUT,
    },
    ['has_more'],
  ),
  SearchHits: closed({
    hits: { type: 'array', items: closed({ job_id: TEXT, run: TEXT, entry: ref('JobLogEntry') }) },
    ...PAGE,
  }),
  Health: closed({ status: { const: 'ok' } }),
  Problem: {
    description: 'A problem document of RFC 9457.',
    ...closed(
      {
        type: { type: 'string', format: 'uri', description: '`urn:taskspan:problem:` and the code.' },
        title: TEXT,
        status: { type: 'integer' },
        detail: { type: 'string', description: 'What is wrong with this request.' },
        code: { enum: Object.keys(PROBLEMS) },
        parameter: { type: 'string', description: 'The parameter that is not understood.' },
      },
      ['parameter'],
    ),
  },
};

/** An object with these properties and no other; all are required but those that are said to be optional. */
function closed(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => ![...OFTEN_MISSING, ...optional].includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
