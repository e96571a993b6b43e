/** `taskspan`: the API of `@taskspan/core`, and `start()`. */
export type {
  AcceptableErrors,
  CallerLogger,
  Carrier,
  ClaimableStatus,
  Instant,
  LogLevel,
  MetricOptions,
  MissedTask,
  OutcomeOf,
  ReportedOutcome,
  RunMessage,
  StepResults,
  Task,
  TaskEnd,
  TaskOptions,
  TaskRecord,
  TaskStatus,
  TaskStep,
} from '@taskspan/core';
export {
  RUN_CHANNEL,
  recordMissedTask,
  recordOrphanedTask,
  runTask,
  runTaskSteps,
  startTask,
  startTaskSpan,
  TASK_STATUSES,
} from '@taskspan/core';
export type { CommandResult, ExitCategory, RunCommandOptions, TimeoutAction } from '@taskspan/joblog/run';
export { runCommand } from '@taskspan/joblog/run';
export type { ConfigOptions } from './config.ts';
export type { Redact, RedactableRecord } from './redaction.ts';
export { type StartOptions, start, type Taskspan } from './start.ts';
