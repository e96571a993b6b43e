/** Runs for people: a table of many, or all that is known of one. */
import type { Job, JobRow, JobStatus } from '@taskspan/joblog';
import { type Cell, type Column, cellTable } from './cell-table.ts';
import { dayAndTime, durationText } from './instant-text.ts';
import { safeLine } from './safe-text.ts';
import type { StyleName, TextStyle } from './text-style.ts';

const STATUS_STYLES: Readonly<Record<JobStatus, StyleName>> = {
  success: 'green',
  failure: 'red',
  expired: 'yellow',
  cancelled: 'yellow',
  deferred: 'cyan',
  orphaned: 'magenta',
  running: 'blue',
  unknown: 'dim',
};

function columns(nowMs: number): readonly Column<JobRow>[] {
  return [
    { title: 'STARTED (UTC)', cell: ({ started_at: at }) => ({ text: at === null ? '-' : dayAndTime(at) }) },
    { title: 'STATUS', cell: ({ status }) => ({ text: status, style: STATUS_STYLES[status] }) },
    { title: 'TOOK', isNumber: true, cell: (row) => took(row, nowMs) },
    { title: 'DONE', isNumber: true, cell: ({ progress }) => ({ text: percent(progress) }) },
    { title: 'OPERATION', cell: ({ operation }) => ({ text: safeLine(operation) }) },
    { title: 'LABEL', cell: ({ label }) => ({ text: safeLine(label ?? '') }) },
    {
      title: 'ATTEMPT',
      isNumber: true,
      cell: ({ attempt }) => ({ text: attempt === null || attempt < 2 ? '' : `${attempt}` }),
    },
    { title: 'ERROR', cell: ({ error_type: type }) => ({ text: safeLine(type ?? ''), style: 'red' }) },
    // Last: it may be long, and it is what is copied from here.
    { title: 'ID', cell: ({ job_id: id }) => ({ text: safeLine(id) }) },
  ];
}

/** How long a run took, or has taken so far. */
function took({ status, started_at: at, duration_seconds: seconds }: JobRow, nowMs: number): Cell {
  if (seconds !== null) return { text: durationText(seconds) };
  if (status !== 'running' || at === null) return { text: '' };
  return { text: durationText(Math.max(0, nowMs - Date.parse(at)) / 1000), style: 'blue' };
}

function percent(progress: number | null): string {
  return progress === null ? '' : `${Math.floor(progress * 100)}%`;
}

/** A line for each run, below titles. */
export function jobTable(rows: readonly JobRow[], style: TextStyle, nowMs: number = Date.now()): readonly string[] {
  return cellTable(columns(nowMs), rows, style);
}

export interface DetailsOptions {
  /** Names and values beside those of the job itself. */
  readonly more?: readonly (readonly [string, string])[];
  readonly nowMs?: number;
}

/** Everything that is known of a run, and the attempts before it. */
export function jobDetails(job: Job, style: TextStyle, options: DetailsOptions = {}): readonly string[] {
  const { more = [], nowMs = Date.now() } = options;
  const facts: readonly (readonly [string, string | null, StyleName?])[] = [
    ['job', job.job_id],
    ['status', job.status, STATUS_STYLES[job.status]],
    ['operation', job.operation],
    ['label', job.label],
    ['service', job.service],
    ['attempt', job.attempt === null ? null : String(job.attempt)],
    ['started', job.started_at],
    ['ended', job.ended_at],
    ['took', took(job, nowMs).text],
    ['progress', percent(job.progress)],
    ['error', job.error_type, 'red'],
    ...job.outputs.map((output) => ['output', output] as const),
    ['run', job.run],
    ...more,
  ];
  const lines = facts.flatMap(([name, value, of]) =>
    value === null || value === '' ? [] : [`${style('bold', name.padEnd(9))}  ${style(of, safeLine(value))}`],
  );
  if (job.attempts.length < 2) return lines;
  return [...lines, '', ...jobTable(job.attempts, style, nowMs)];
}
