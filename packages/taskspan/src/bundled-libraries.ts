import { readFileSync, statSync } from 'node:fs';

/** Below it, a file is written by hand, and names what it uses. */
const SMALLEST_BUNDLE = 10_000;

/** Above it, nobody waits for the search. */
const LARGEST_BUNDLE = 64 * 1024 * 1024;

/** What bundlers leave of the path of a package, unless they minify. */
const PATH = /node_modules\/(?:\.pnpm\/[^/\s"']+\/node_modules\/)?((?:@[\w.-]+\/)?[\w.-]+)\//g;

/**
 * Texts of each package that no minifier changes, in all of its supported versions, and that together stand nowhere
 * else: messages, names of properties.
 */
const SIGNATURES: Readonly<Record<string, readonly string[]>> = {
  bullmq: ['Missing lock for job', 'moveToWaitingChildren'],
  bull: ['Missing process handler for job type'],
  'pg-boss': ['__pgboss__'],
  'graphile-worker': ['graphile_worker', 'forbiddenFlags'],
  agenda: ['nextRunAt', 'lockLifetime'],
  'bee-queue': ['stallInterval', 'removeOnSuccess'],
  'node-cron': ['is a invalid expression'],
  cron: ['fireOnTick', 'cronTime'],
  croner: ['CronPattern: '],
  'node-schedule': ['<Anonymous Job'],
  'toad-scheduler': ['Job with an id'],
  'sqs-consumer': ['Unexpected message handler failure'],
  bree: ['worker for job'],
  '@nestjs/schedule': ['SCHEDULE_CRON_OPTIONS'],
};

/**
 * Which of some packages a bundler has put into a file: no hook sees them there.
 *
 * @param script main file of an application
 */
export function bundledLibraries(script: string, packages: readonly string[]): string[] {
  const size = statSync(script, { throwIfNoEntry: false })?.size ?? 0;
  if (size < SMALLEST_BUNDLE || size > LARGEST_BUNDLE) return [];
  const text = readFileSync(script, 'utf8');
  const paths = new Set(Array.from(text.matchAll(PATH), ([, name]) => name));
  return packages.filter((name) => paths.has(name) || SIGNATURES[name]?.every((one) => text.includes(one)) === true);
}
