/** The tables of the docs, made from the tables of the code. `npm run docs` writes them, a test compares them. */
import { ATTRIBUTES, CLAIMABLE_STATUSES, EVENTS, TASK_STATUSES, type TaskStatus } from '@taskspan/core';
import { LIBRARIES } from '@taskspan/instrumentations/libraries';
import { JOB_METRICS, type JobMetricSpec } from '@taskspan/joblog';
import { LABEL_VALUES, METRICS, type MetricSpec } from '@taskspan/metrics';
import { READER_RULES } from '../joblog/reader-rules.ts';

const WHERE = { span: 'span', record: 'log records', both: 'span and log records' } as const;

/** What a run looks like by status: the table of outcomes, whose facts the tests of `@taskspan/core` prove row by row. */
const OUTCOMES: Readonly<
  Record<TaskStatus, readonly [when: string, spanStatus: string, errorType: string, severity: string]>
> = {
  success: ['returned, or threw an acceptable error', 'unset', "the acceptable error's, if any", 'INFO'],
  failure: [
    'threw, rejected, timed out, or `end({ error })`',
    'ERROR',
    "the error's name or code, never its message; `timeout`",
    'ERROR',
  ],
  expired: ['no error, but after its deadline', 'unset', '-', 'WARN'],
  cancelled: [
    'its `AbortSignal` fired and the work stopped because of it; or the process exited in order with the run open',
    'unset',
    '`aborted`; `process_exit`',
    'WARN',
  ],
  deferred: ["a library's control flow: delayed, rate limited, waiting for children, requeued", 'unset', '-', 'INFO'],
  orphaned: ['its process vanished', 'ERROR', '`process_lost`', 'WARN (`task.orphaned`)'],
};

/** One generated table: which page holds it, under which mark, and its text. */
export interface DocsTable {
  readonly page: string;
  readonly mark: string;
  /** First column of each row, in order. */
  readonly keys: readonly string[];
  readonly markdown: string;
}

/** Every generated table of the docs. */
export function docsTables(): readonly DocsTable[] {
  return [
    table('docs/attributes.md', 'attributes', ['attribute', 'on', 'type', 'meaning'], attributeRows()),
    table('docs/events.md', 'events', ['event', 'meaning'], Object.entries(EVENTS)),
    table('docs/metrics.md', 'metrics', ['name', 'instrument, unit', 'labels', 'meaning'], metricRows()),
    table('docs/metrics.md', 'buckets', ['histogram', 'upper bounds in seconds'], bucketRows()),
    table('docs/metrics.md', 'labels', ['label', 'values'], labelRows()),
    table('docs/metrics.md', 'job-metrics', ['name', 'type', 'labels', 'meaning'], jobMetricRows()),
    table(
      'docs/outcomes.md',
      'outcomes',
      ['status', 'when', 'span status', '`error.type`', 'severity at the end'],
      outcomeRows(),
    ),
    table('docs/instrumentations.md', 'libraries', ['name', 'package', 'versions', 'on', 'class'], libraryRows()),
    table(
      'docs/instrumentations.md',
      'captured',
      ['name', 'operation', 'carrier', 'captured beside runs', 'limits'],
      capturedRows(),
    ),
    table('docs/joblog.md', 'reader', ['what', 'rule'], readerRows()),
    table('docs/outcomes.md', 'claims', ['status', 'may be claimed by `end({ status })`'], claimRows()),
  ];
}

/** A page with its generated tables put between their marks; throws when the page lacks a mark. */
export function withTables(page: string, text: string): string {
  return docsTables()
    .filter((entry) => entry.page === page)
    .reduce((result, entry) => replaceTable(result, entry), text);
}

function replaceTable(text: string, entry: DocsTable): string {
  const open = `<!-- table: ${entry.mark} -->`;
  const close = '<!-- end of table -->';
  const start = text.indexOf(open);
  const end = text.indexOf(close, start);
  if (start < 0 || end < 0) throw new Error(`${entry.page} lacks the marks ${open} and ${close}`);
  return `${text.slice(0, start + open.length)}\n${entry.markdown}\n${text.slice(end)}`;
}

function table(page: string, mark: string, head: readonly string[], rows: readonly (readonly string[])[]): DocsTable {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const coded = rows.map(([key = '', ...rest]) => [`\`${key}\``, ...rest]);
  return {
    page,
    mark,
    keys: rows.map(([key = '']) => key),
    markdown: [line(head), line(head.map(() => '---')), ...coded.map(line)].join('\n'),
  };
}

function readerRows(): string[][] {
  return READER_RULES.map(({ name, rule }) => [name, rule]);
}

function attributeRows(): string[][] {
  return Object.entries(ATTRIBUTES).map(([key, spec]) => [key, WHERE[spec.on], spec.type, spec.meaning]);
}

function metricRows(): string[][] {
  return Object.values(METRICS).map((spec: MetricSpec) => [
    spec.name,
    `${spec.kind.replace('observable-up-down-counter', 'observable UpDownCounter').replaceAll('-', ' ')}, \`${spec.unit}\``,
    spec.labels.length === 0 ? '-' : spec.labels.join(', '),
    spec.description,
  ]);
}

function jobMetricRows(): string[][] {
  return Object.values(JOB_METRICS).map(({ name, type, labels, description }: JobMetricSpec) => [
    name,
    type,
    labels.length === 0 ? '-' : labels.join(', '),
    description,
  ]);
}

function bucketRows(): string[][] {
  return Object.values(METRICS)
    .filter((spec: MetricSpec) => spec.buckets !== undefined)
    .map((spec: MetricSpec) => [spec.name, (spec.buckets ?? []).join(' ')]);
}

function labelRows(): string[][] {
  const list = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(', ');
  return [
    ['operation', 'names of the application, at most 512 in a process, then `_other`; `unknown` when there is none'],
    ['status', list(LABEL_VALUES.status)],
    ['signal', list(LABEL_VALUES.signal)],
    ['reason', `of missed runs: ${list(LABEL_VALUES.reason.missed)}; of losses: ${list(LABEL_VALUES.reason.dropped)}`],
  ];
}

function libraryRows(): string[][] {
  return LIBRARIES.map(({ name, packages, supported, byDefault, instrumentation, kind }) => [
    name,
    packages.length === 0 ? 'built into Node.js' : packages.map((one) => `\`${one}\``).join(', '),
    packages.length === 0 ? 'all' : `\`${supported}\``,
    byDefault ? 'yes' : `\`+${name}\``,
    `\`${instrumentation}\`${kind === 'adopted' ? ' (spans of the official instrumentation)' : ''}`,
  ]);
}

function capturedRows(): string[][] {
  return LIBRARIES.map(({ name, operation, carrier, captured, limits }) => [
    name,
    operation,
    carrier,
    captured,
    limits,
  ]);
}

function outcomeRows(): string[][] {
  return TASK_STATUSES.map((status) => [status, ...OUTCOMES[status]]);
}

function claimRows(): string[][] {
  const claimable: readonly string[] = CLAIMABLE_STATUSES;
  return TASK_STATUSES.map((status) => [
    status,
    claimable.includes(status) ? 'yes' : 'no: it is a fact, found and never claimed',
  ]);
}
