import { beginRun } from './begin-run.ts';
import type { CallerLogger } from './caller-logger.ts';
import { IdleTask } from './idle-task.ts';
import { recordMissed } from './internal/hub.ts';
import { safely } from './internal/report.ts';
import { MISSED_REASONS, type MissedReason, state } from './internal/state.ts';
import { LIMITS } from './limits.ts';
import { SUBMISSION_FIELDS } from './names.ts';
import type { Instant, Task, TaskOptions, TaskRecord } from './task.ts';
import { taskFile } from './task-file.ts';
import { normaliseChoice, normaliseInstant, normaliseOperation, normaliseTaskRecord } from './task-options.ts';

/**
 * Begins a task from a record that the caller keeps, without any state of ours in it. The record's `error` and
 * `deadline` are read when `end()` is called, never before. A null record gives a task that does nothing.
 */
export function startTaskSpan(logger: CallerLogger | null | undefined, record: TaskRecord | null | undefined): Task {
  const kept = normaliseTaskRecord('record', record);
  if (kept === undefined) return new IdleTask(normaliseOperation('unknown'), undefined);
  return beginRun(kept.operation, recordOptions(logger, kept), {
    readAtEnd: () => ({ error: kept.error, deadlineMs: normaliseInstant('record.deadline', kept.deadline) }),
  });
}

function recordOptions(logger: CallerLogger | null | undefined, record: TaskRecord): TaskOptions {
  const attributes: Record<string, unknown> = { ...record.attributes };
  for (const key of SUBMISSION_FIELDS)
    if (record[key] !== undefined && record[key] !== null) attributes[key] = record[key];
  return {
    attributes,
    id: record.id,
    label: record.label,
    attempt: record.attempt,
    ...(logger === undefined || logger === null ? {} : { logger }),
  };
}

/** Records already reported, for those without an id. */
const reportedRecords = new WeakSet<object>();

/**
 * Reports a run whose process vanished. Moves `async_operations_total{status="orphaned"}` only: neither running nor
 * duration. A done record, and the same record again (same object or same id), count nothing.
 */
export function recordOrphanedTask(
  logger: CallerLogger | null | undefined,
  record: TaskRecord | null | undefined,
): void {
  const kept = normaliseTaskRecord('record', record);
  if (kept === undefined || kept.done === true || !isFirstReport(kept)) return;
  safely('recording an orphaned task', () => {
    const startedMs = normaliseInstant('record.startedAt', kept.startedAt);
    const file = startedMs === undefined || typeof kept.id !== 'string' ? undefined : taskFile(kept.id, startedMs);
    const run = beginRun(kept.operation, { ...recordOptions(logger, kept), relation: 'root' }, { orphan: true, file });
    if (run instanceof IdleTask) return;
    run.conclude({ status: 'orphaned', errorType: 'process_lost', failure: undefined, attributes: undefined });
  });
}

function isFirstReport(record: TaskRecord): boolean {
  const { id } = record;
  const seen = reportedRecords.has(record) || (typeof id === 'string' && id !== '' && state.orphans.has(id));
  if (seen) return false;
  reportedRecords.add(record);
  if (typeof id !== 'string' || id === '') return true;
  if (state.orphans.size >= LIMITS.orphansRemembered) {
    for (const oldest of state.orphans) {
      state.orphans.delete(oldest);
      break;
    }
  }
  state.orphans.add(id);
  return true;
}

/** A scheduled run that did not happen. */
export interface MissedTask {
  /** `missed`: nobody was there; `overlap`: the previous run went on; `skipped`: the scheduler decided so. */
  readonly reason?: MissedReason | undefined;
  readonly scheduledAt?: Instant | undefined;
}

/** Counts a scheduled run that did not happen, in `async_operations_missed_total`. Never throws. */
export function recordMissedTask(operation: string, missed?: MissedTask): void {
  const reason = normaliseChoice('reason', missed?.reason, MISSED_REASONS) ?? 'missed';
  normaliseInstant('scheduledAt', missed?.scheduledAt);
  recordMissed(normaliseOperation(operation), reason);
}
