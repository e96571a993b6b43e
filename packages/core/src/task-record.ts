import { beginRun } from './begin-run.ts';
import type { CallerLogger } from './caller-logger.ts';
import { readSafely } from './error-facts.ts';
import { IdleTask } from './idle-task.ts';
import { recordMissed } from './internal/hub.ts';
import { safely } from './internal/report.ts';
import { MISSED_REASONS, type MissedReason, state } from './internal/state.ts';
import { LIMITS } from './limits.ts';
import { SUBMISSION_FIELDS } from './names.ts';
import type { Instant, Task, TaskOptions, TaskRecord } from './task.ts';
import { taskFile } from './task-file.ts';
import { normaliseTaskId } from './task-id.ts';
import {
  normaliseAttribute,
  normaliseAttributes,
  normaliseChoice,
  normaliseInstant,
  normaliseOperation,
  normaliseTaskRecord,
  UNKNOWN_OPERATION,
} from './task-options.ts';

/**
 * Begins a task from a record that the caller keeps, without any state of ours in it. The record's `error` and
 * `deadline` are read when `end()` is called, never before. A null record gives a task that does nothing.
 */
export function startTaskSpan(logger: CallerLogger | null | undefined, record: TaskRecord | null | undefined): Task {
  const kept = normaliseTaskRecord('record', record);
  if (kept === undefined) return new IdleTask(UNKNOWN_OPERATION, undefined);
  return beginRun(readField(kept, 'operation'), recordOptions(logger, kept), {
    readAtEnd: () => ({
      error: readField(kept, 'error'),
      deadlineMs: normaliseInstant('record.deadline', readField(kept, 'deadline')),
    }),
  });
}

/** One field of a caller's record, which may be a proxy or have getters that throw. */
function readField(record: TaskRecord, field: keyof TaskRecord): unknown {
  return safely(`reading record.${field}`, () => record[field]);
}

function recordOptions(logger: CallerLogger | null | undefined, record: TaskRecord): TaskOptions {
  const attributes = { ...normaliseAttributes('record.attributes', readField(record, 'attributes')) };
  for (const key of SUBMISSION_FIELDS) {
    const value = normaliseAttribute('record', key, () => record[key]);
    if (value !== undefined) attributes[key] = value;
  }
  return {
    attributes,
    id: readField(record, 'id') as TaskOptions['id'],
    label: readField(record, 'label') as TaskOptions['label'],
    attempt: readField(record, 'attempt') as TaskOptions['attempt'],
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
  if (kept === undefined || readField(kept, 'done') === true) return;
  const id = normaliseTaskId(readField(kept, 'id'));
  if (!isFirstReport(kept, id)) return;
  safely('recording an orphaned task', () => {
    const startedMs = normaliseInstant('record.startedAt', readField(kept, 'startedAt'));
    const file = startedMs === undefined || id === undefined ? undefined : taskFile(id, startedMs);
    const options: TaskOptions = { ...recordOptions(logger, kept), id, relation: 'root' };
    const run = beginRun(readField(kept, 'operation'), options, { orphan: true, file });
    if (run instanceof IdleTask) return;
    run.conclude({ status: 'orphaned', errorType: 'process_lost', failure: undefined, attributes: undefined });
  });
}

function isFirstReport(record: TaskRecord, id: string | undefined): boolean {
  if (reportedRecords.has(record) || (id !== undefined && state.orphans.has(id))) return false;
  reportedRecords.add(record);
  if (id === undefined) return true;
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
  const reason = normaliseChoice('reason', readSafely(missed, 'reason'), MISSED_REASONS) ?? 'missed';
  normaliseInstant('scheduledAt', readSafely(missed, 'scheduledAt'));
  recordMissed(normaliseOperation(operation), reason);
}
