/**
 * Every attribute and event name that this toolkit writes, once. The docs and their test iterate over these tables.
 */

export interface NameSpec {
  /** Where it stands: on the task span, on log records of a run, or on both. */
  readonly on: 'span' | 'record' | 'both';
  readonly type: 'string' | 'string[]' | 'int' | 'double' | 'boolean';
  readonly meaning: string;
}

/** Attribute keys by constant name. */
export const ATTR = {
  OPERATION: 'operation',
  TASK_ID: 'task.id',
  TASK_RUN: 'task.run',
  TASK_STATUS: 'task.status',
  TASK_ATTEMPT: 'task.attempt',
  TASK_MAX_ATTEMPTS: 'task.max_attempts',
  TASK_LABEL: 'task.label',
  TASK_OUTPUTS: 'task.outputs',
  TASK_FILE: 'task.file',
  TASK_SEQUENCE: 'task.sequence',
  TASK_DURATION: 'task.duration_seconds',
  TASK_ENQUEUED_AT: 'task.enqueued_at',
  TASK_SCHEDULED_AT: 'task.scheduled_at',
  TASK_ENQUEUER: 'task.enqueuer',
  TASK_LIBRARY: 'task.library',
  TASK_JOB_ID: 'task.job.id',
  TASK_BATCH_SIZE: 'task.batch.size',
  TASK_TRIGGER: 'task.trigger',
  TASK_SCHEDULE: 'task.schedule',
  TASK_WILL_RETRY: 'task.will_retry',
  TASK_PROGRESS: 'task.progress',
  STEP_NAME: 'task.step.name',
  STEP_INDEX: 'task.step.index',
  STEP_STATUS: 'task.step.status',
  STEP_DURATION: 'task.step.duration_seconds',
  ERROR_TYPE: 'error.type',
  EXIT_CODE: 'process.exit.code',
  EXIT_SIGNAL: 'task.exit.signal',
  EXIT_CATEGORY: 'task.exit.category',
  PROCESS_ID: 'process.pid',
  EXECUTABLE_NAME: 'process.executable.name',
  EXCEPTION_TYPE: 'exception.type',
  EXCEPTION_MESSAGE: 'exception.message',
  EXCEPTION_STACKTRACE: 'exception.stacktrace',
  METRIC_NAME: 'metric.name',
  METRIC_VALUE: 'metric.value',
  METRIC_UNIT: 'metric.unit',
  TASK_METRICS: 'task.metrics',
  EVENT_TYPE: 'event.type',
  MEMORY_RSS: 'task.memory.rss_bytes',
  MEMORY_PEAK: 'task.memory.peak_bytes',
  CPU_SECONDS: 'task.cpu.seconds',
  PROCESS_COUNT: 'task.processes',
  MANIFEST_OUTPUTS: 'manifest.outputs',
  MANIFEST_INPUTS: 'manifest.inputs',
  MANIFEST_START: 'manifest.start_time',
  MANIFEST_END: 'manifest.end_time',
  LOG_IOSTREAM: 'log.iostream',
  TRUNCATED_BYTES: 'log.truncated_bytes',
  DROPPED_LINES: 'log.dropped_lines',
  REPOSITORY: 'repository',
  REQUEST_ID: 'request_id',
  USER: 'user',
} as const;

/** What each key of {@link ATTR} means; a test holds the two and `docs/attributes.md` together. */
export const ATTRIBUTES: Readonly<Record<(typeof ATTR)[keyof typeof ATTR], NameSpec>> = {
  operation: { on: 'both', type: 'string', meaning: 'bounded name of the work; the label of every metric' },
  'task.id': { on: 'both', type: 'string', meaning: 'id of the run, at most 1024 characters; also on descendants' },
  'task.run': { on: 'record', type: 'string', meaning: 'span id of the task span: tells attempts under one id apart' },
  'task.status': { on: 'both', type: 'string', meaning: 'how the run ended, set at the end' },
  'task.attempt': { on: 'both', type: 'int', meaning: '1-based number of the attempt' },
  'task.max_attempts': { on: 'both', type: 'int', meaning: 'how many attempts the queue allows' },
  'task.label': {
    on: 'both',
    type: 'string',
    meaning:
      'label for people, of any cardinality; within a budget the `job_label` of metrics that are made from files',
  },
  'task.outputs': { on: 'both', type: 'string[]', meaning: 'references to what the run produces' },
  'task.file': { on: 'both', type: 'string', meaning: 'file of the run below the logs folder, without its ending' },
  'task.sequence': { on: 'record', type: 'int', meaning: '1, 2, 3... per run and writer' },
  'task.duration_seconds': { on: 'record', type: 'double', meaning: 'monotonic time from start to end, in seconds' },
  'task.enqueued_at': { on: 'record', type: 'double', meaning: 'when the run was enqueued, Unix seconds' },
  'task.scheduled_at': { on: 'both', type: 'double', meaning: 'when the run was due, Unix seconds' },
  'task.enqueuer': {
    on: 'record',
    type: 'string',
    meaning: 'span that enqueued the run, as `<trace id>-<span id>`: also known of a run that never ended',
  },
  'task.library': { on: 'both', type: 'string', meaning: 'job library whose run this is, such as bullmq' },
  'task.job.id': { on: 'both', type: 'string', meaning: 'id that the job library gave; the same on every attempt' },
  'task.batch.size': { on: 'both', type: 'int', meaning: 'jobs that one call of the handler worked on together' },
  'task.trigger': { on: 'both', type: 'string', meaning: 'what began a captured run: queue, schedule or manual' },
  'task.schedule': {
    on: 'both',
    type: 'string',
    meaning: 'schedule of the run as the library has it, such as a cron line',
  },
  'task.will_retry': {
    on: 'both',
    type: 'boolean',
    meaning: 'whether the library tries this job again; set at the end',
  },
  'task.progress': { on: 'record', type: 'double', meaning: 'share done, 0 to 1' },
  'task.step.name': { on: 'both', type: 'string', meaning: 'name of the step' },
  'task.step.index': { on: 'both', type: 'int', meaning: '0-based position of the step in its run' },
  'task.step.status': { on: 'both', type: 'string', meaning: 'success or failure' },
  'task.step.duration_seconds': { on: 'record', type: 'double', meaning: 'monotonic time of the step, in seconds' },
  'error.type': { on: 'both', type: 'string', meaning: 'class, name or code of the error, never its message' },
  'process.exit.code': { on: 'record', type: 'int', meaning: 'exit code of a process that the run started' },
  'task.exit.signal': { on: 'record', type: 'string', meaning: 'signal that ended a process that the run started' },
  'task.exit.category': {
    on: 'record',
    type: 'string',
    meaning: 'how it ended: `success`, `error`, `signal`, `timeout` or `launch_failed`',
  },
  'process.pid': { on: 'record', type: 'int', meaning: 'id of a process that the run started' },
  'process.executable.name': { on: 'record', type: 'string', meaning: 'its program, without path or arguments' },
  'exception.type': { on: 'record', type: 'string', meaning: 'class, name or code of the exception' },
  'exception.message': { on: 'record', type: 'string', meaning: 'message of the exception' },
  'exception.stacktrace': { on: 'record', type: 'string', meaning: 'stack of the exception and of its causes' },
  'metric.name': { on: 'record', type: 'string', meaning: 'name of a metric point of the run' },
  'metric.value': { on: 'record', type: 'double', meaning: 'value of a metric point of the run' },
  'metric.unit': { on: 'record', type: 'string', meaning: 'unit of a metric point of the run' },
  'task.metrics': {
    on: 'record',
    type: 'string',
    meaning: '`files`: this run is counted from the files, because its process is too short-lived to be scraped',
  },
  'event.type': { on: 'record', type: 'string', meaning: 'type of an event that a process of the run printed' },
  'task.memory.rss_bytes': {
    on: 'record',
    type: 'int',
    meaning: 'resident memory of a process of the run and of all below it, in bytes',
  },
  'task.memory.peak_bytes': { on: 'record', type: 'int', meaning: 'the most of it that was seen so far, in bytes' },
  'task.cpu.seconds': {
    on: 'record',
    type: 'double',
    meaning: 'processor time of a process of the run and of all below it, in seconds',
  },
  'task.processes': { on: 'record', type: 'int', meaning: 'how many processes these are' },
  'manifest.outputs': { on: 'record', type: 'string[]', meaning: 'references to what the run has produced' },
  'manifest.inputs': { on: 'record', type: 'string[]', meaning: 'references to what the run has read' },
  'manifest.start_time': { on: 'record', type: 'double', meaning: 'when the work began, Unix seconds' },
  'manifest.end_time': { on: 'record', type: 'double', meaning: 'when the work was done, Unix seconds' },
  'log.iostream': { on: 'record', type: 'string', meaning: '`stdout` or `stderr` of a process of the run' },
  'log.truncated_bytes': { on: 'record', type: 'int', meaning: 'bytes that were cut from the record' },
  'log.dropped_lines': {
    on: 'record',
    type: 'int',
    meaning: 'lines that came before this record and are not in the log, because there were more than its limit allows',
  },
  repository: { on: 'both', type: 'string', meaning: 'repository that the run works on, as given at submission' },
  request_id: { on: 'both', type: 'string', meaning: 'request that submitted the run' },
  user: { on: 'both', type: 'string', meaning: 'user on whose behalf the run works' },
};

/** Attributes that are doubles by declaration: 3 seconds must not be an integer where 3.5 is a double. */
export const DOUBLE_ATTRIBUTES: ReadonlySet<string> = new Set(
  Object.entries(ATTRIBUTES).flatMap(([key, spec]) => (spec.type === 'double' ? [key] : [])),
);

/** Version of what is written, as an attribute of our scope on every record and span. */
export const FORMAT_KEY = 'taskspan.format';
export const FORMAT = 1;

/** Prefix of the attributes that carry the labels of a metric point. */
export const METRIC_LABEL_PREFIX = 'metric.label.';

/** Prefix of the attributes that carry the metadata of a manifest. */
export const MANIFEST_METADATA_PREFIX = 'manifest.metadata.';

/** Attributes given at submission that every log record of the run repeats. */
export const SUBMISSION_FIELDS = ['repository', 'request_id', 'user'] as const;

/** Event names (`eventName` of an OTLP log record). A plain log line has none. */
export const EVENT = {
  STARTED: 'task.started',
  STEP: 'task.step',
  PROGRESS: 'task.progress',
  METRIC: 'task.metric',
  LAUNCHED: 'task.launched',
  LAUNCH_FAILED: 'task.launch_failed',
  HEARTBEAT: 'task.heartbeat',
  CUSTOM: 'task.event',
  EXITED: 'task.exited',
  MANIFEST: 'task.manifest',
  ENDED: 'task.ended',
  ORPHANED: 'task.orphaned',
  EXCEPTION: 'exception',
} as const;

export type EventName = (typeof EVENT)[keyof typeof EVENT];

/** What each event says; a test holds this and `docs/events.md` together. */
export const EVENTS: Readonly<Record<EventName, string>> = {
  'task.started': 'a run began; carries attempt, enqueue time, label and the attributes given at submission',
  'task.step': 'a step ended, with its name, index, status and duration',
  'task.progress': 'share done; the body is the message; at most 10 a second and run, the last one always',
  'task.metric': 'one metric point of the run',
  'task.launched': 'a process of the run was started',
  'task.launch_failed': 'a process that the run wanted to start could not be started',
  'task.heartbeat': 'the run goes on; memory and processor time of its processes',
  'task.event': 'an event that a process of the run printed, with its own type',
  'task.exited': 'a process that the run started has exited, with its exit code or signal',
  'task.manifest': 'what the run has read and produced, and when; its last record',
  'task.ended': 'the run ended, with status, duration, error type, label and outputs',
  'task.orphaned': 'the process of the run vanished',
  exception: 'an error that ended the run or a step, with type, message and stack',
};

/** OTel severity numbers of the four levels. */
export const SEVERITY = { debug: 5, info: 9, warn: 13, error: 17 } as const;

export type LogLevel = keyof typeof SEVERITY;

/** Scope of every span, metric and record of the toolkit. */
export const SCOPE = {
  name: 'taskspan',
  version: '0.1.0',
  schemaUrl: 'https://opentelemetry.io/schemas/1.38.0',
} as const;
