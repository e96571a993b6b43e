import { TASK_STATUSES } from '@taskspan/core';
import { JOB_METRICS, type JobMetricKey, type JobMetricSpec } from './job-metric-table.ts';
import { Histogram, type JobCell, type MetricCells, OperationCell } from './metric-cells.ts';

/** What was open when the text is asked for, by operation. */
export type OpenRuns = ReadonlyMap<string, { readonly count: number; readonly oldestMs: number }>;

export interface ExpositionOptions {
  readonly open: OpenRuns;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Before `async_*`, without its underscore. */
  readonly namespace: string | undefined;
  /**
   * Whoever asks has asked before, when this reading was the last: what came up since is shown at 0, as it was then.
   * Undefined for one who asks for the first time.
   */
  readonly lastReading: number | undefined;
}

interface Sample {
  /** What follows the name of the family: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
  readonly labels: readonly (readonly [key: string, value: string])[];
  readonly value: number;
}

/** The cells as text of the Prometheus exposition format. Families without series are left out. */
export function exposition(cells: MetricCells, options: ExpositionOptions): string {
  const isNew = (cell: OperationCell | JobCell): boolean =>
    options.lastReading !== undefined && cell.bornAt > options.lastReading;
  const operations = [...cells.operations.values()].map((cell) => (isNew(cell) ? atZero(cell) : cell));
  const openOf = (cell: OperationCell): { count: number; oldestMs: number } => {
    const isShown = cells.operations.get(cell.operation) === cell;
    return (isShown ? options.open.get(cell.operation) : undefined) ?? { count: 0, oldestMs: options.nowMs };
  };
  const jobs = [...cells.jobs.values()].flatMap((labels) => [...labels.values()]);
  const samples: Readonly<Record<JobMetricKey, readonly Sample[]>> = {
    running: operations.map((cell) => ({ labels: operationLabels(cell), value: openOf(cell).count })),
    started: operations.map((cell) => ({ labels: operationLabels(cell), value: cell.started })),
    total: operations.flatMap((cell) =>
      TASK_STATUSES.map((status, index) => ({
        labels: [...operationLabels(cell), ['status', status] as const],
        value: cell.totals[index] ?? 0,
      })),
    ),
    duration: operations.flatMap((cell) =>
      TASK_STATUSES.flatMap((status, index) =>
        histogramSamples([...operationLabels(cell), ['status', status]], cell.durations[index]),
      ),
    ),
    wait: operations.flatMap((cell) => histogramSamples(operationLabels(cell), cell.wait)),
    oldestRunning: operations.map((cell) => ({
      labels: operationLabels(cell),
      value: Math.max(0, options.nowMs - openOf(cell).oldestMs) / 1000,
    })),
    lastSuccess: operations.flatMap((cell) =>
      cell.lastSuccess === 0 ? [] : [{ labels: operationLabels(cell), value: cell.lastSuccess }],
    ),
    runtime: jobSamples(jobs, (cell) => cell.runtimeSeconds),
    memoryPeak: jobSamples(jobs, ({ memoryBytes }) => (memoryBytes === undefined ? undefined : memoryBytes / 1e6)),
    cpu: jobSamples(jobs, (cell) => cell.cpuSeconds),
    rows: jobSamples(jobs, (cell) => (cell.rows !== undefined && isNew(cell) ? 0 : cell.rows)),
    overflow: [{ labels: [], value: cells.operationOverflow }],
    labelOverflow: [{ labels: [], value: cells.labelOverflow }],
    skipped: [{ labels: [], value: cells.skippedLines }],
  };
  const keys = Object.keys(JOB_METRICS) as JobMetricKey[];
  return keys.map((key) => familyText(JOB_METRICS[key], samples[key], options.namespace)).join('');
}

/** The same series, before anything was counted. */
function atZero(cell: OperationCell): OperationCell {
  const zero = new OperationCell(cell.operation, cell.bornAt);
  cell.durations.forEach((histogram, index) => {
    if (histogram !== undefined) zero.durations[index] = new Histogram(histogram.bounds);
  });
  if (cell.wait !== undefined) zero.wait = new Histogram(cell.wait.bounds);
  return zero;
}

/** The exported name of a family: the namespace goes before `async_*` alone. */
export function jobMetricName(spec: JobMetricSpec, namespace: string | undefined): string {
  const isPrefixed = namespace !== undefined && namespace !== '' && spec.name.startsWith('async_');
  return isPrefixed ? `${namespace}_${spec.name}` : spec.name;
}

function operationLabels({ operation }: OperationCell): readonly (readonly [string, string])[] {
  return [['operation', operation]];
}

function jobSamples(cells: readonly JobCell[], read: (cell: JobCell) => number | undefined): readonly Sample[] {
  return cells.flatMap((cell) => {
    const value = read(cell);
    const labels = [['job_label', cell.label] as const, ['operation', cell.operation] as const];
    return value === undefined ? [] : [{ labels, value }];
  });
}

function histogramSamples(labels: Sample['labels'], histogram: Histogram | undefined): readonly Sample[] {
  if (histogram === undefined) return [];
  let count = 0;
  const buckets = histogram.counts.map((samples, index) => {
    count += samples;
    const bound = histogram.bounds[index];
    const le = bound === undefined ? '+Inf' : String(bound);
    return { suffix: '_bucket', labels: [...labels, ['le', le] as const], value: count };
  });
  return [...buckets, { suffix: '_sum', labels, value: histogram.sum }, { suffix: '_count', labels, value: count }];
}

function familyText(spec: JobMetricSpec, samples: readonly Sample[], namespace: string | undefined): string {
  if (samples.length === 0) return '';
  const name = jobMetricName(spec, namespace);
  const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelsText(labels)} ${value}\n`);
  return `# HELP ${name} ${spec.description}\n# TYPE ${name} ${spec.type}\n${lines.join('')}`;
}

function labelsText(labels: Sample['labels']): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([key, value]) => `${key}="${escaped(value)}"`).join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
