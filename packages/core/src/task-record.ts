import { type BeginExtras, beginRun } from './begin-run.ts';
import type { CallerLogger } from './caller-logger.ts';
import { readSafely } from './error-facts.ts';
import { IdleTask } from './idle-task.ts';
import { recordMissed } from './internal/hub.ts';
import { safely } from './internal/report.ts';
import { MISSED_REASONS, type MissedReason, state } from './internal/state.ts';
import type { LibraryRunOptions } from './library-run.ts';
import { LIMITS } from './limits.ts';
import { ATTR, SUBMISSION_FIELDS } from './names.ts';
import type { Outcome } from './outcome.ts';
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
import type { TaskRun } from './task-run.ts';

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
    const file = fileOf(id, normaliseInstant('record.startedAt', readField(kept, 'startedAt')));
    const options: TaskOptions = { ...recordOptions(logger, kept), id, relation: 'root' };
    beginLost(readField(kept, 'operation'), options, { file })?.conclude(PROCESS_LOST);
  });
}

/** What an instrumentation knows of a run of its library whose process vanished. */
interface LostRunOptions extends LibraryRunOptions {
  /** The same in every process that tells of this run. */
  readonly id: string;
  /** When it began, where that is known. */
  readonly startedAt?: Instant | undefined;
}

/**
 * Reports a run of a job library whose process vanished, as {@link recordOrphanedTask} does, once for its id, and with
 * all that would stand on the run itself. The record has no `task.started` before it, so it says that too.
 */
export function recordLostRun(operation: string, options: LostRunOptions): void {
  const id = normaliseTaskId(options.id);
  if (!isFirstReport(options, id)) return;
  safely('recording a lost run', () => {
    // How long it waited was up to a start that nobody has seen.
    const { startedAt, enqueuedAt: _, scheduledAt: _slot, own, links, ...known } = options;
    const file = fileOf(id, normaliseInstant('startedAt', startedAt));
    const run = beginLost(operation, { ...known, id }, { file, own, links });
    if (run === undefined) return;
    const { attempt, maxAttempts } = run.details;
    if (attempt !== undefined) run.setOwn(ATTR.TASK_ATTEMPT, attempt);
    if (maxAttempts !== undefined) run.setOwn(ATTR.TASK_MAX_ATTEMPTS, maxAttempts);
    for (const [key, value] of Object.entries(own ?? {})) run.setOwn(key, value);
    run.conclude(PROCESS_LOST);
  });
}

const PROCESS_LOST: Outcome = {
  status: 'orphaned',
  errorType: 'process_lost',
  failure: undefined,
  attributes: undefined,
};

function fileOf(id: string | undefined, startedMs: number | undefined): string | undefined {
  return startedMs === undefined || id === undefined ? undefined : taskFile(id, startedMs);
}

function beginLost(operation: unknown, options: TaskOptions, extras: BeginExtras): TaskRun | undefined {
  const run = beginRun(operation, options, { ...extras, orphan: true });
  return run instanceof IdleTask ? undefined : run;
}

function isFirstReport(record: object, id: string | undefined): boolean {
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
