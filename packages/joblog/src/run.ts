/**
 * `@taskspan/joblog/run`: commands as tasks, and the writer of their logs. A process that does nothing else loads this
 * and no reader.
 */
export { JobLogWriter } from './job-log-writer.ts';
export { LONGEST_TIMER_MS } from './run-command/checked-options.ts';
export { givenRunId } from './run-command/command-environment.ts';
export {
  type CommandResult,
  type ExitCategory,
  type Foreground,
  type RunCommandOptions,
  TIMEOUT_ACTIONS,
  type TimeoutAction,
} from './run-command/command-options.ts';
export { openOutputPipes } from './run-command/output-pipe.ts';
export { runCommand, type SupervisedResult, superviseCommand } from './run-command/run-command.ts';
