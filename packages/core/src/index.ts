export type { CallerLogger } from './caller-logger.ts';
export type { Carrier } from './carrier.ts';
export type { EventName, LogLevel, NameSpec } from './names.ts';
export {
  ATTR,
  ATTRIBUTES,
  EVENT,
  EVENTS,
  MANIFEST_METADATA_PREFIX,
  METRIC_LABEL_PREFIX,
  SCOPE,
  SEVERITY,
  SUBMISSION_FIELDS,
} from './names.ts';
export type { AcceptableErrors, OutcomeOf, ReportedOutcome } from './outcome.ts';
export type { RunMessage } from './run-channel.ts';
export { RUN_CHANNEL } from './run-channel.ts';
export type { StepResults } from './run-task.ts';
export { runTask, runTaskSteps, startTask } from './run-task.ts';
export type { ClaimableStatus, TaskStatus } from './status.ts';
export { CLAIMABLE_STATUSES, isClaimableStatus, isTaskStatus, TASK_STATUSES } from './status.ts';
export type { Instant, MetricOptions, Task, TaskEnd, TaskOptions, TaskRecord, TaskStep } from './task.ts';
export type { MissedTask } from './task-record.ts';
export { recordMissedTask, recordOrphanedTask, startTaskSpan } from './task-record.ts';
