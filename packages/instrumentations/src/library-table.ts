/**
 * Every library that is instrumented, once: register enables by it, doctor looks by it, `docs/instrumentations.md` is made
 * from it. Light on purpose: nothing of an instrumentation is loaded before an application loads its library.
 */
import { createRequire } from 'node:module';
import type { InstrumentationClass, LibraryEntry } from './library-entry.ts';

export type { InstrumentationClass, LibraryEntry, LibrarySwitch } from './library-entry.ts';

const require = createRequire(import.meta.url);

function loader(file: string, name: string): () => InstrumentationClass {
  return () =>
    (require(`./libraries/${file}.js`) as Readonly<Record<string, InstrumentationClass>>)[name] as InstrumentationClass;
}

export const LIBRARIES: readonly LibraryEntry[] = [
  {
    name: 'bullmq',
    packages: ['bullmq'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'BullMQInstrumentation',
    supported: '>=1.91 <7',
    operation: 'the name of the job; the queue where that is no bounded name',
    carrier: 'the option `telemetry.metadata` of the job, where the application has put nothing',
    captured:
      'attempts, wait, delays, rate limits, waiting for children, cancellation, slots of job schedulers and those nobody ran, jobs that stalled too often, results that could not be stored, processors in files, add, addBulk, flows',
    limits:
      'jobs taken by getNextJob() have no run; the wait of the parent of a flow holds that for its children; before 6 a thread of a processor is terminated with the lines of its last second; before 2 the attempt of a job that stalled too often is not known',
    load: loader('bullmq', 'BullMQInstrumentation'),
  },
  {
    name: 'bull',
    packages: ['bull'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'BullInstrumentation',
    supported: '>=4 <5',
    operation: 'the name of the job; the queue where it has none, or no bounded one',
    carrier: 'the option `telemetry.metadata` of the job, where the application has put nothing',
    captured:
      'attempts, wait, timeouts whose handler goes on, job.discard(), slots of repeated jobs, those of `every` that nobody ran, jobs that stalled too often, results that could not be stored, processors with a callback or in files, add, addBulk',
    limits:
      'jobs taken by getNextJob() have no run; slots of a cron pattern that nobody ran are not counted; a job without a processor of its name has no run',
    load: loader('bull', 'BullInstrumentation'),
  },
  {
    name: 'pg-boss',
    packages: ['pg-boss'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'PgBossInstrumentation',
    supported: '>=8 <13',
    operation: 'the queue',
    carrier:
      'none, for a job has no slot beside its data: its id joins a run to what sent it. With `carrier: "data"` of the class, a key of plain object data, taken out before the handler sees them',
    captured:
      'attempts, wait, timeouts (expireInSeconds), shutdowns that cut a job off, each job of a batch, perJobResults, send, insert, publish, upsert, flow',
    limits:
      'jobs taken by fetch() have no run; slots of schedules are not known; a job that its handler settles by fail() ends as the handler does',
    load: loader('pg-boss', 'PgBossInstrumentation'),
  },
  {
    name: 'graphile-worker',
    packages: ['graphile-worker'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'GraphileWorkerInstrumentation',
    supported: '>=0.16 <0.19',
    operation: 'the task identifier',
    carrier: 'flags of the job (`traceparent:…`), taken out before the task sees them; the payload stays as it is',
    captured:
      'attempts, wait, permanent failures, batches whose promises reject, slots of the crontab and which of them were made up for, addJob and addJobs of every object',
    limits: 'jobs that SQL adds have no enqueue span; 0.18 in a CommonJS application needs Node 22, as it says itself',
    load: loader('graphile-worker', 'GraphileWorkerInstrumentation'),
  },
  {
    name: 'agenda',
    packages: ['agenda'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'AgendaInstrumentation',
    supported: '>=4 <7',
    operation: 'the name of the job',
    carrier:
      'an attribute of the job in MongoDB (4 and 5). In 6 none, for other backends have no room: the job id joins a run to what saved it. With `carrier: "data"` of the class, a key of plain object data, taken out before the handler sees them',
    captured:
      'failures, which the library keeps to itself, retries by backoff, wait, slots of repeated jobs, locks that are lost, cancellation, saves of new jobs',
    limits:
      '4 and 5 are tested without MongoDB; a repeated job has no enqueue span; a crashed run is taken up again under the same id',
    load: loader('agenda', 'AgendaInstrumentation'),
  },
  {
    name: 'bee-queue',
    packages: ['bee-queue'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'BeeQueueInstrumentation',
    supported: '>=1.3 <3',
    operation: 'the queue',
    carrier: 'the option `telemetry.metadata` of the job',
    captured: 'attempts, wait, timeouts, save, saveAll',
    limits:
      'a start after a stall has the id and the wait of the start that was lost: the library does not count stalls',
    load: loader('bee-queue', 'BeeQueueInstrumentation'),
  },
  {
    name: 'node-cron',
    packages: ['node-cron'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NodeCronInstrumentation',
    supported: '>=2 <5',
    operation: 'the option `name`, else the name of the handler, else the pattern',
    carrier: 'none, for a schedule is put there by nobody',
    captured:
      'slots and lateness, runs by hand, files that run in a process of their own (from 4), missed slots (from 3), overlaps that `noOverlap` prevents, slots that another instance was elected for',
    limits:
      'before 4 a file that runs in a process of its own has no run; before 3 missed slots are not counted; the lines of a file in a process of its own are not in its run',
    load: loader('node-cron', 'NodeCronInstrumentation'),
  },
  {
    name: 'cron',
    packages: ['cron'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'CronInstrumentation',
    supported: '>=1.8 <5',
    operation: 'the name of the job, else that of the callback or of the program, else the pattern',
    carrier: 'none, for a schedule is put there by nobody',
    captured:
      'a run for each callback, slots and lateness, runs by hand, commands until their exit, slots that a blocked event loop passed over, overlaps that `waitForCompletion` prevents',
    limits:
      'before 3 a run by `runOnInit` is not captured; a callback that is added by a callback is seen from the next tick on; at most 100 missed slots are counted of one gap',
    load: loader('cron', 'CronInstrumentation'),
  },
  {
    name: 'croner',
    packages: ['croner'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'CronerInstrumentation',
    supported: '>=8 <12',
    operation: 'the name of the job, else that of the handler, else the pattern',
    carrier: 'none, for a schedule is put there by nobody',
    captured:
      'slots and lateness, `trigger()`, errors that `catch` swallows, slots that `protect` leaves out and those that a blocked event loop passed over',
    limits: 'slots during a pause are not counted; at most 100 missed slots are counted of one gap',
    load: loader('croner', 'CronerInstrumentation'),
  },
  {
    name: 'node-schedule',
    packages: ['node-schedule'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NodeScheduleInstrumentation',
    supported: '>=2 <3',
    operation: 'the name of the job, else that of the handler, else the pattern or the fields of the rule',
    carrier: 'none, for a schedule is put there by nobody',
    captured: 'slots and lateness, also of what the library catches up with; `invoke()` by hand',
    limits:
      'nothing is missed or prevented by this library, so nothing of that is counted; a handler that is a generator function has no name',
    load: loader('node-schedule', 'NodeScheduleInstrumentation'),
  },
  {
    name: 'toad-scheduler',
    packages: ['toad-scheduler'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'ToadSchedulerInstrumentation',
    supported: '>=3 <5',
    operation: 'the id of the task',
    carrier: 'none, for a schedule is put there by nobody',
    captured:
      'one run whichever job has the task done, slots of cron jobs, the failure that the library swallows, runs that `preventOverrun` skips, intervals that a blocked event loop passed over',
    limits:
      'intervals have no slot; what an interval skips is counted when its next run begins; before 3.1 cron jobs stand on a croner of the application',
    load: loader('toad-scheduler', 'ToadSchedulerInstrumentation'),
  },
  {
    name: 'nest-schedule',
    packages: ['@nestjs/schedule'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NestScheduleInstrumentation',
    supported: '>=4 <13',
    operation: 'the name in the decorator, else `Class.method`',
    carrier: 'none, for a schedule is put there by nobody',
    captured:
      '@Cron, @Interval and @Timeout, one run each; slots, lateness and overlaps of @Cron; the failure that Nest swallows; the names of jobs that are added to the SchedulerRegistry',
    limits:
      '@Interval and @Timeout have no slot; intervals and timeouts that are added to the SchedulerRegistry have no run, for those are bare timers',
    load: loader('nest-schedule', 'NestScheduleInstrumentation'),
  },
  {
    name: 'nest-bullmq',
    packages: ['@nestjs/bullmq', '@nestjs/bull'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NestBullMQInstrumentation',
    supported: '>=10 <13',
    operation: 'as bullmq and bull',
    carrier: 'as bullmq and bull',
    captured: 'all that is captured of bullmq and bull below Nest, also where Node 20 requires an ES module of Nest',
    limits: 'the class of a worker must extend that of BullMQ, as Nest asks for',
    load: loader('nest-bullmq', 'NestBullMQInstrumentation'),
  },
  {
    name: 'sqs-consumer',
    packages: ['sqs-consumer'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'SqsConsumerInstrumentation',
    supported: '>=11 <16',
    operation: 'queue name',
    carrier: 'message attributes `traceparent`, `tracestate`, `baggage`, which are asked for; the sender writes them',
    captured:
      'messages and each message of a batch; not acknowledged = deferred; handleMessageTimeout = timeout; attempt and wait where the app asks for ApproximateReceiveCount and SentTimestamp',
    limits:
      'no PRODUCER span: the AWS SDK sends; without ApproximateReceiveCount the task id is a new one per delivery; whether a failed message comes back is up to the queue',
    load: loader('sqs-consumer', 'SqsConsumerInstrumentation'),
  },
  {
    name: 'bree',
    packages: ['bree'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'BreeInstrumentation',
    supported: '>=9 <10',
    operation: 'job name',
    carrier: 'none; the thread inherits the context of the run',
    captured:
      'a job from its thread to `done`, error or exit; closeWorkerAfterMs = timeout; stop() and terminate() = cancelled; overlap and dates that are past = missed runs',
    limits:
      'slots of cron lines and intervals are not known; run() of a job that has a schedule counts as scheduled; plugins that replace createWorker hide it',
    load: loader('bree', 'BreeInstrumentation'),
  },
  {
    name: 'temporal',
    packages: ['@temporalio/worker'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'TemporalInstrumentation',
    supported: '>=1.9 <2',
    operation: 'activity type',
    carrier: 'header `_tracer-data`, which the OpenTelemetry interceptors of Temporal write',
    captured:
      'every attempt of activities, also local ones; completed elsewhere, paused, reset = deferred; cancelled; timeout; will_retry by the retry policy',
    limits:
      'workflows and Nexus operations are not captured; activities that time out while nobody tells the worker go on',
    load: loader('temporal', 'TemporalInstrumentation'),
  },
  {
    name: 'kafkajs',
    packages: ['kafkajs'],
    byDefault: true,
    kind: 'adopted',
    instrumentation: 'KafkaJsInstrumentation',
    supported: '>=0.3 <3',
    operation: 'topic',
    carrier: 'message headers, by the official instrumentation',
    captured:
      'eachMessage and each message of eachBatch, as children of their producers and linked to them; partition and offset as job id; the size of a batch',
    limits:
      "spans of `@opentelemetry/instrumentation-kafkajs`, the application's own if it has it: no wait, no attempts; each message of a batch has the duration of the batch, and what is logged there belongs to its first message",
    load: loader('kafkajs', 'KafkaJsInstrumentation'),
  },
  {
    name: 'amqplib',
    packages: ['amqplib'],
    byDefault: true,
    kind: 'adopted',
    instrumentation: 'AmqplibInstrumentation',
    supported: '>=0.5.5 <3',
    operation: 'queue, or the exchange of a queue without a name',
    carrier: 'message headers, by the official instrumentation',
    captured:
      'messages from delivery to ack, as children of their producers and linked to them; nack, reject and a channel that closes = failure; no answer within half an hour = timeout',
    limits:
      "spans of `@opentelemetry/instrumentation-amqplib`, the application's own if it has it: no wait, no attempts; with noAck a run ends when its handler returns",
    load: loader('amqplib', 'AmqplibInstrumentation'),
  },
  {
    name: 'piscina',
    packages: ['piscina'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'PiscinaInstrumentation',
    supported: '>=3 <6',
    operation: 'name of the export, else of the file',
    carrier: 'none',
    captured:
      'run() and runTask() until their answer, waiting for a thread included; abort and destroy() = cancelled; a thread that exits = failure `worker_exit`',
    limits: 'waiting is not told from running; nothing reaches the thread: logs there are not those of the run',
    load: loader('piscina', 'PiscinaInstrumentation'),
  },
  {
    name: 'workerpool',
    packages: ['workerpool'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'WorkerpoolInstrumentation',
    supported: '>=6 <11',
    operation: 'name of the method or function, else of the script',
    carrier: 'none',
    captured:
      'exec() and proxies until their answer, waiting for a worker included; cancel() and terminate() = cancelled; timeout() = timeout; a worker that exits = failure `worker_exit`',
    limits: 'waiting is not told from running; nothing reaches the worker: logs there are not those of the run',
    load: loader('workerpool', 'WorkerpoolInstrumentation'),
  },
  {
    name: 'tinypool',
    packages: ['tinypool'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'TinypoolInstrumentation',
    supported: '>=0.8 <3',
    operation: 'name of the export, else of the file',
    carrier: 'none',
    captured:
      'run() until its answer, waiting for a thread included; abort, cancelPendingTasks() and destroy() = cancelled',
    limits: 'waiting is not told from running; nothing reaches the thread: logs there are not those of the run',
    load: loader('tinypool', 'TinypoolInstrumentation'),
  },
  {
    name: 'p-queue',
    packages: ['p-queue'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'PQueueInstrumentation',
    supported: '>=6 <11',
    operation: 'name of the function, else `p-queue`',
    carrier: 'in memory: a link to whatever called add()',
    captured: 'tasks with their wait since add(); the time limit of the queue = timeout; abort = cancelled',
    limits: 'what is removed before it began is no run',
    load: loader('p-queue', 'PQueueInstrumentation'),
  },
  {
    name: 'fastq',
    packages: ['fastq'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'FastqInstrumentation',
    supported: '>=1.13 <2',
    operation: 'name of the worker function, else `fastq`',
    carrier: 'in memory: a link to whatever called push() or unshift()',
    captured: 'tasks of callback and promise queues with their wait since the push',
    limits: 'only what is loaded after the toolkit; what is killed or aborted while it waits is no run',
    load: loader('fastq', 'FastqInstrumentation'),
  },
  {
    name: 'async',
    packages: ['async'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'AsyncInstrumentation',
    supported: '>=3 <4',
    operation: 'name of the worker function, else `async`',
    carrier: 'in memory: a link to whatever called push() or unshift()',
    captured: 'tasks of queue, priorityQueue, cargo, cargoQueue with their wait since the push; each task of a cargo',
    limits: 'no other function of async; what is removed or killed while it waits is no run',
    load: loader('async', 'AsyncInstrumentation'),
  },
  {
    name: 'child-process',
    packages: [],
    byDefault: true,
    kind: 'carrier',
    instrumentation: 'ChildProcessInstrumentation',
    supported: '>=0',
    operation: 'none of its own',
    carrier: 'environment: `TRACEPARENT`, `TRACESTATE`, `TASKSPAN_TASK_ID`, of processes that a run starts',
    captured:
      'exit code and signal as `task.exited` in the log of the run, `task.launch_failed`; runs of the process without another enqueuer link the span that started it',
    limits: 'a TRACEPARENT that the caller sets stays',
    load: loader('child-process-carrier', 'ChildProcessCarrier'),
  },
  {
    name: 'worker-threads',
    packages: [],
    byDefault: true,
    kind: 'carrier',
    instrumentation: 'WorkerThreadsInstrumentation',
    supported: '>=0',
    operation: 'none of its own',
    carrier: 'environment: `TRACEPARENT`, `TRACESTATE`, `TASKSPAN_TASK_ID`, of threads that a run starts',
    captured: 'runs of the thread without another enqueuer link the span that started it',
    limits:
      'threads that share the environment (SHARE_ENV) get nothing; a thread that outlives its run keeps that link',
    load: loader('worker-threads-carrier', 'WorkerThreadsCarrier'),
  },
];
