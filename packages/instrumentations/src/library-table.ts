/**
 * Every library that is instrumented, once: register enables by it, doctor looks by it, `docs/instrumentations.md` is made
 * from it. Light on purpose: nothing of an instrumentation is loaded before an application loads its library.
 */
import { createRequire } from 'node:module';

/** `tasks`: its runs are captured here; `adopted`: spans of the official instrumentation become runs; `carrier`: hands on a run's context. */
type LibraryKind = 'tasks' | 'adopted' | 'carrier';

/** What register does with an instrumentation. */
export interface LibrarySwitch {
  enable(): void;
  disable(): void;
}

export type InstrumentationClass = new (config?: {
  readonly enabled?: boolean;
  readonly operation?: ((job: unknown) => string | undefined) | undefined;
}) => LibrarySwitch;

export interface LibraryEntry {
  /** Its name in `TASKSPAN_INSTRUMENTATIONS` and `OTEL_NODE_DISABLED_INSTRUMENTATIONS`. */
  readonly name: string;
  /** Packages whose loading makes it needed; none for what is built into Node. */
  readonly packages: readonly string[];
  readonly byDefault: boolean;
  readonly kind: LibraryKind;
  /** Name of the exported class. */
  readonly instrumentation: string;
  /** Versions, as bounds. */
  readonly supported: string;
  /** What the operation is, for the docs. */
  readonly operation: string;
  /** Where the enqueuer's context travels, for the docs. */
  readonly carrier: string;
  /** What is captured beside runs, for the docs. */
  readonly captured: string;
  /** What is not, for the docs. */
  readonly limits: string;
  /** Loads the class. */
  load(): InstrumentationClass;
}

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
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('bullmq', 'BullMQInstrumentation'),
  },
  {
    name: 'bull',
    packages: ['bull'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'BullInstrumentation',
    supported: '>=4 <5',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('bull', 'BullInstrumentation'),
  },
  {
    name: 'pg-boss',
    packages: ['pg-boss'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'PgBossInstrumentation',
    supported: '>=8 <13',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('pg-boss', 'PgBossInstrumentation'),
  },
  {
    name: 'graphile-worker',
    packages: ['graphile-worker'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'GraphileWorkerInstrumentation',
    supported: '>=0.16 <0.19',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('graphile-worker', 'GraphileWorkerInstrumentation'),
  },
  {
    name: 'agenda',
    packages: ['agenda'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'AgendaInstrumentation',
    supported: '>=4 <7',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('agenda', 'AgendaInstrumentation'),
  },
  {
    name: 'bee-queue',
    packages: ['bee-queue'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'BeeQueueInstrumentation',
    supported: '>=1 <3',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('bee-queue', 'BeeQueueInstrumentation'),
  },
  {
    name: 'node-cron',
    packages: ['node-cron'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NodeCronInstrumentation',
    supported: '>=2 <5',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('node-cron', 'NodeCronInstrumentation'),
  },
  {
    name: 'cron',
    packages: ['cron'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'CronInstrumentation',
    supported: '>=1 <5',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('cron', 'CronInstrumentation'),
  },
  {
    name: 'croner',
    packages: ['croner'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'CronerInstrumentation',
    supported: '>=8 <12',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('croner', 'CronerInstrumentation'),
  },
  {
    name: 'node-schedule',
    packages: ['node-schedule'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NodeScheduleInstrumentation',
    supported: '>=2 <3',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('node-schedule', 'NodeScheduleInstrumentation'),
  },
  {
    name: 'toad-scheduler',
    packages: ['toad-scheduler'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'ToadSchedulerInstrumentation',
    supported: '>=3 <5',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('toad-scheduler', 'ToadSchedulerInstrumentation'),
  },
  {
    name: 'nest-schedule',
    packages: ['@nestjs/schedule'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NestScheduleInstrumentation',
    supported: '>=4 <13',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('nest-schedule', 'NestScheduleInstrumentation'),
  },
  {
    name: 'nest-bullmq',
    packages: ['@nestjs/bullmq', '@nestjs/bull'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'NestBullMQInstrumentation',
    supported: '>=10 <13',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('nest-bullmq', 'NestBullMQInstrumentation'),
  },
  {
    name: 'sqs-consumer',
    packages: ['sqs-consumer'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'SqsConsumerInstrumentation',
    supported: '>=11 <16',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('sqs-consumer', 'SqsConsumerInstrumentation'),
  },
  {
    name: 'bree',
    packages: ['bree'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'BreeInstrumentation',
    supported: '>=9 <10',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('bree', 'BreeInstrumentation'),
  },
  {
    name: 'temporal',
    packages: ['@temporalio/worker'],
    byDefault: true,
    kind: 'tasks',
    instrumentation: 'TemporalInstrumentation',
    supported: '>=1.9 <2',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('temporal', 'TemporalInstrumentation'),
  },
  {
    name: 'kafkajs',
    packages: ['kafkajs'],
    byDefault: true,
    kind: 'adopted',
    instrumentation: 'KafkaJsInstrumentation',
    supported: '>=0.3 <3',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('kafkajs', 'KafkaJsInstrumentation'),
  },
  {
    name: 'amqplib',
    packages: ['amqplib'],
    byDefault: true,
    kind: 'adopted',
    instrumentation: 'AmqplibInstrumentation',
    supported: '>=0.5.5 <3',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('amqplib', 'AmqplibInstrumentation'),
  },
  {
    name: 'piscina',
    packages: ['piscina'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'PiscinaInstrumentation',
    supported: '>=3 <6',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('piscina', 'PiscinaInstrumentation'),
  },
  {
    name: 'workerpool',
    packages: ['workerpool'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'WorkerpoolInstrumentation',
    supported: '>=6 <11',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('workerpool', 'WorkerpoolInstrumentation'),
  },
  {
    name: 'tinypool',
    packages: ['tinypool'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'TinypoolInstrumentation',
    supported: '>=0.8 <3',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('tinypool', 'TinypoolInstrumentation'),
  },
  {
    name: 'p-queue',
    packages: ['p-queue'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'PQueueInstrumentation',
    supported: '>=6 <11',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('p-queue', 'PQueueInstrumentation'),
  },
  {
    name: 'fastq',
    packages: ['fastq'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'FastqInstrumentation',
    supported: '>=1.13 <2',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('fastq', 'FastqInstrumentation'),
  },
  {
    name: 'async',
    packages: ['async'],
    byDefault: false,
    kind: 'tasks',
    instrumentation: 'AsyncInstrumentation',
    supported: '>=3 <4',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('async', 'AsyncInstrumentation'),
  },
  {
    name: 'child-process',
    packages: [],
    byDefault: true,
    kind: 'carrier',
    instrumentation: 'ChildProcessInstrumentation',
    supported: '>=0',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('child-process', 'ChildProcessInstrumentation'),
  },
  {
    name: 'worker-threads',
    packages: [],
    byDefault: true,
    kind: 'carrier',
    instrumentation: 'WorkerThreadsInstrumentation',
    supported: '>=0',
    operation: '',
    carrier: '',
    captured: '',
    limits: '',
    load: loader('worker-threads', 'WorkerThreadsInstrumentation'),
  },
];
