import { TASK_STATUSES } from '@taskspan/core';
import { JOB_METRICS, type JobMetricKey, type JobMetricSpec } from './job-metric-table.ts';
import { Histogram, type JobCell, type MetricCells, OperationCell } from './metric-cells.ts';

/** What was open when the text is asked for, by operation. */
type OpenRuns = ReadonlyMap<string, { readonly count: number; readonly oldestMs: number }>;

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
  /** What the logs folders held when they were last tidied; undefined when none was. */
  readonly held: { readonly files: number; readonly bytes: number } | undefined;
}

/** The cells as text of the Prometheus exposition format. Families without series are left out. */
export function exposition(cells: MetricCells, options: ExpositionOptions): string {
  const families = new Families(options.namespace);
  for (const cell of cells.operations.values()) {
    if (isNew(cell, options)) addOperation(families, atZero(cell), { count: 0, ageSeconds: 0 });
    else {
      const { count, oldestMs } = options.open.get(cell.operation) ?? { count: 0, oldestMs: options.nowMs };
      addOperation(families, cell, { count, ageSeconds: Math.max(0, options.nowMs - oldestMs) / 1000 });
    }
  }
  for (const labels of cells.jobs.values()) for (const cell of labels.values()) addJob(families, cell, options);
  families.add('overflow', '', cells.operationOverflow);
  families.add('labelOverflow', '', cells.labelOverflow);
  families.add('skipped', '', cells.skippedLines);
  families.add('logFiles', '', options.held?.files);
  families.add('logBytes', '', options.held?.bytes);
  return families.text();
}

/** The exported name of a family: the namespace goes before `async_*` alone. */
function exportedName(name: string, namespace: string | undefined): string {
  return namespace !== undefined && namespace !== '' && name.startsWith('async_') ? `${namespace}_${name}` : name;
}

/** The lines of each family, gathered cell by cell: with all labels in use there are 50 000. */
class Families {
  readonly #namespace: string | undefined;
  readonly #lines = new Map<JobMetricKey, string>();

  constructor(namespace: string | undefined) {
    this.#namespace = namespace;
  }

  /** Adds a line. @param rest what follows the name of the family: labels in braces, after a suffix if any */
  add(key: JobMetricKey, rest: string, value: number | undefined): void {
    if (value === undefined) return;
    const name = exportedName(JOB_METRICS[key].name, this.#namespace);
    this.#lines.set(key, `${this.#lines.get(key) ?? ''}${name}${rest} ${value}\n`);
  }

  /** In the order of the table. */
  text(): string {
    const keys = Object.keys(JOB_METRICS) as JobMetricKey[];
    return keys.map((key) => this.#family(key)).join('');
  }

  #family(key: JobMetricKey): string {
    const lines = this.#lines.get(key);
    if (lines === undefined) return '';
    const { name, description, type }: JobMetricSpec = JOB_METRICS[key];
    const exported = exportedName(name, this.#namespace);
    return `# HELP ${exported} ${description}\n# TYPE ${exported} ${type}\n${lines}`;
  }
}

function isNew({ bornAt }: OperationCell | JobCell, { lastReading }: ExpositionOptions): boolean {
  return lastReading !== undefined && bornAt > lastReading;
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

function addOperation(families: Families, cell: OperationCell, open: { count: number; ageSeconds: number }): void {
  const operation = `operation="${escaped(cell.operation)}"`;
  families.add('running', `{${operation}}`, open.count);
  families.add('started', `{${operation}}`, cell.started);
  TASK_STATUSES.forEach((status, index) => {
    const labels = `${operation},status="${status}"`;
    families.add('total', `{${labels}}`, cell.totals[index]);
    addHistogram(families, 'duration', labels, cell.durations[index]);
  });
  addHistogram(families, 'wait', operation, cell.wait);
  families.add('oldestRunning', `{${operation}}`, open.ageSeconds);
  families.add('lastSuccess', `{${operation}}`, cell.lastSuccess === 0 ? undefined : cell.lastSuccess);
}

function addHistogram(families: Families, key: 'duration' | 'wait', labels: string, histogram?: Histogram): void {
  if (histogram === undefined) return;
  let count = 0;
  histogram.counts.forEach((samples, index) => {
    count += samples;
    families.add(key, `_bucket{${labels},le="${histogram.bounds[index] ?? '+Inf'}"}`, count);
  });
  families.add(key, `_sum{${labels}}`, histogram.sum);
  families.add(key, `_count{${labels}}`, count);
}

function addJob(families: Families, cell: JobCell, options: ExpositionOptions): void {
  const labels = `{job_label="${escaped(cell.label)}",operation="${escaped(cell.operation)}"}`;
  families.add('runtime', labels, cell.runtimeSeconds);
  families.add('memoryPeak', labels, cell.memoryBytes === undefined ? undefined : cell.memoryBytes / 1e6);
  families.add('cpu', labels, cell.cpuSeconds);
  families.add('rows', labels, cell.rows !== undefined && isNew(cell, options) ? 0 : cell.rows);
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
