import { NODE_VERSIONS } from '../pack/cached-install.ts';

/** Exact versions by package. */
type Packages = Readonly<Record<string, string>>;

/** What the apps here use beside job libraries. */
const BESIDE: Packages = { ioredis: '5.11.0', pg: '8.20.0', winston: '3.19.0', pino: '10.3.1' };

/** What npm picks on Node 20. */
const NEWEST: Packages = {
  '@agendajs/postgres-backend': '3.0.6',
  '@agendajs/redis-backend': '3.0.7',
  '@nestjs/bull': '12.0.0',
  '@nestjs/bullmq': '12.0.0',
  '@nestjs/common': '12.5.1',
  '@nestjs/core': '12.5.1',
  '@nestjs/schedule': '12.0.2',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
  agenda: '6.2.6',
  amqplib: '2.3.1',
  async: '3.2.6',
  'bee-queue': '2.0.0',
  bree: '9.2.9',
  bull: '4.16.5',
  bullmq: '6.7.0',
  cron: '4.4.0',
  croner: '11.0.1',
  fastq: '1.20.3',
  'graphile-worker': '0.17.3',
  kafkajs: '2.2.4',
  'node-cron': '4.6.0',
  'node-schedule': '2.1.1',
  'p-queue': '9.3.5',
  'pg-boss': '10.4.2',
  piscina: '5.3.2',
  'sqs-consumer': '14.2.8',
  tinypool: '2.2.0',
  'toad-scheduler': '4.1.0',
  workerpool: '10.0.3',
};

/** What is newer where Node is. */
const NEWER: Packages = {
  'graphile-worker': '0.18.0',
  'p-queue': '10.0.0',
  'pg-boss': '12.35.0',
  'sqs-consumer': '15.0.3',
};

/** Last versions of the major lines before, as most of today's applications have them. */
const BETWEEN: Packages = {
  '@agendajs/postgres-backend': '3.0.0',
  agenda: '6.2.0',
  'bee-queue': '1.7.1',
  bullmq: '5.81.5',
  cron: '3.5.0',
  croner: '9.1.0',
  // These two do not ask for Node 20, and run on it.
  'graphile-worker': '0.18.0',
  'pg-boss': '12.35.0',
  'node-cron': '3.0.3',
  'p-queue': '8.1.1',
  piscina: '4.9.4',
  'sqs-consumer': '13.0.0',
  tinypool: '1.1.1',
  workerpool: '9.3.4',
};

/** The oldest that are supported. Agenda's needs MongoDB: its apps can only load it. */
const OLDEST: Packages = {
  agenda: '4.0.1',
  amqplib: '0.5.5',
  async: '3.0.0',
  'bee-queue': '1.3.0',
  bree: '9.0.0',
  bull: '4.0.0',
  bullmq: '1.91.0',
  cron: '1.8.0',
  croner: '8.0.0',
  fastq: '1.13.0',
  'graphile-worker': '0.16.0',
  kafkajs: '0.3.1',
  'node-cron': '2.0.0',
  'node-schedule': '2.0.0',
  'p-queue': '6.0.1',
  'pg-boss': '8.0.0',
  piscina: '3.1.0',
  'sqs-consumer': '11.0.1',
  tinypool: '0.8.0',
  'toad-scheduler': '3.0.0',
  workerpool: '6.0.0',
};

/** Nest's oldest. */
const OLDEST_NEST: Packages = { '@nestjs/bull': '10.0.0', '@nestjs/bullmq': '10.0.0', '@nestjs/schedule': '4.0.0' };

/** With what these work. */
const BESIDE_OLDEST_NEST: Packages = {
  '@nestjs/common': '10.0.0',
  '@nestjs/core': '10.0.0',
  bull: '4.12.9',
  bullmq: '3.16.2',
  'reflect-metadata': '0.1.13',
  rxjs: '7.8.1',
};

/** A quarter of a gigabyte, so that only its own tests install it. */
const TEMPORAL: Packages = {
  '@temporalio/activity': '1.24.0',
  '@temporalio/testing': '1.24.0',
  '@temporalio/worker': '1.24.0',
};

/** Versions that are installed together, and the Node that runs them. */
export interface Lane {
  readonly name: LaneName;
  /** Version of Node. Default: the one that runs the tests. */
  readonly node?: string;
  /** The module system of its apps, where every lane with both would take too long. Default: both. */
  readonly system?: ModuleSystem;
  /** Libraries under test. Each is one install; a package of a later one stands before that of an earlier one. */
  readonly installs: readonly Packages[];
  /** What is installed with the first of them, for the apps to use. */
  readonly beside: Packages;
}

/** Extension of the files of an app. */
type ModuleSystem = 'mjs' | 'cjs';

export type LaneName = 'newest' | 'newest on Node 24' | 'between' | 'oldest' | 'oldest Nest' | 'Temporal';

/** `TASKSPAN_LANES=all`: the versions between the newest and the oldest too, and every app in both module systems. */
const ALL: boolean = process.env['TASKSPAN_LANES'] === 'all';

/** Few installs with many libraries each: an install takes half a minute. Old apps are mostly CommonJS. */
const EVERY_LANE: readonly Lane[] = [
  { name: 'newest', installs: [NEWEST], beside: BESIDE },
  { name: 'newest on Node 24', node: NODE_VERSIONS[24], system: 'mjs', installs: [NEWEST, NEWER], beside: BESIDE },
  { name: 'between', installs: [BETWEEN], beside: BESIDE },
  { name: 'oldest', system: 'cjs', installs: [OLDEST], beside: BESIDE },
  { name: 'oldest Nest', system: 'cjs', installs: [OLDEST_NEST], beside: BESIDE_OLDEST_NEST },
  { name: 'Temporal', installs: [TEMPORAL], beside: {} },
];

/** Those of this run of tests. */
export const LANES: readonly Lane[] = EVERY_LANE.filter(({ name }) => ALL || name !== 'between');

/** The files, of those that an app can be started by, that this run of tests starts in a lane. */
export function mainsOf({ system }: Lane, mains: readonly string[] = ['app.mjs', 'app.cjs']): readonly string[] {
  return ALL || system === undefined ? mains : mains.filter((main) => main.endsWith(`.${system}`));
}

/** A lane as the tests of one library see it. */
export interface LibraryLane {
  readonly lane: Lane;
  /** Exact version of the library in it. */
  readonly version: string;
  /** Such as `bullmq 6.7.0 (newest on Node 24)`. */
  readonly title: string;
}

/**
 * The lanes that hold a package; each version once per Node.
 *
 * @throws Error when no lane does
 */
export function lanesOf(library: string): readonly LibraryLane[] {
  const found = LANES.flatMap((lane): LibraryLane[] => {
    const version = versionIn(lane, library);
    return version === undefined ? [] : [{ lane, version, title: `${library} ${version} (${lane.name})` }];
  });
  if (found.length === 0) throw new Error(`no lane holds ${library}`);
  return found.filter(
    ({ lane, version }, at) =>
      found.findIndex((other) => other.version === version && other.lane.node === lane.node) === at,
  );
}

function versionIn({ installs }: Lane, library: string): string | undefined {
  return installs.findLast((packages) => library in packages)?.[library];
}
