import type { RunFacts } from '../base/facts.ts';
import { type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { claimHandler, currentTick, nameJob } from '../base/schedule-frame.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';

/** What the decorators left on a method. */
interface Metadata {
  getCronMetadata?(method: unknown): { readonly name?: unknown; readonly cronTime?: unknown } | undefined;
  getIntervalMetadata?(method: unknown): { readonly timeout?: unknown } | undefined;
  getTimeoutMetadata?(method: unknown): { readonly timeout?: unknown } | undefined;
  getSchedulerName?(method: unknown): unknown;
}

interface Explorer {
  readonly metadataAccessor?: Metadata;
}

/** A method of a provider that a clock calls. */
interface Scheduled {
  readonly operation: string;
  readonly schedule: string | undefined;
}

interface Found {
  readonly instance: unknown;
  readonly kit: LibraryKit;
}

function scheduledMethod(explorer: Explorer, method: object, { instance, kit }: Found): Scheduled {
  const { metadataAccessor: metadata } = explorer;
  const cron = metadata?.getCronMetadata?.(method);
  const name = cron?.name ?? metadata?.getSchedulerName?.(method);
  const owner = (instance as object | undefined)?.constructor?.name ?? 'nest';
  return {
    operation: kit.names.choose(name, `${owner}.${(method as { readonly name?: string }).name}`),
    schedule: scheduleOf(metadata, method),
  };
}

function scheduleOf(metadata: Metadata | undefined, method: object): string | undefined {
  const pattern = metadata?.getCronMetadata?.(method)?.cronTime;
  if (pattern !== undefined) return pattern instanceof Date ? pattern.toISOString() : String(pattern);
  const interval = metadata?.getIntervalMetadata?.(method)?.timeout;
  if (interval !== undefined) return `every ${String(interval)} ms`;
  const timeout = metadata?.getTimeoutMetadata?.(method)?.timeout;
  return timeout === undefined ? undefined : `after ${String(timeout)} ms`;
}

/**
 * The library calls the method inside of a function that swallows what is thrown: each call of the method is a run, and
 * that function's name for the scheduler below is ours.
 */
function wrapped(call: LibraryCall, kit: LibraryKit): unknown {
  const [method, instance] = call.args;
  if (typeof method !== 'function') return kit.call(call);
  const { operation, schedule } = scheduledMethod(call.self as Explorer, method, { instance, kit });
  const describe = (): RunFacts => ({
    operation,
    job: method,
    schedule,
    trigger: 'schedule',
    ...currentTick(),
  });
  const target = kit.call({ ...call, args: [kit.wrapHandler(method, describe), ...call.args.slice(1)] });
  claimHandler(target, {
    missed: (reason, slot) => kit.missed({ operation, job: method }, reason, slot),
  });
  return target;
}

/** Jobs of `cron` that the application made and registers here have a name now. */
function registered(call: LibraryCall, kit: LibraryKit): unknown {
  nameJob(call.args[1], call.args[0]);
  return kit.call(call);
}

const explorer = prototypeOf('ScheduleExplorer');
const registry = prototypeOf('SchedulerRegistry');

const NEST_SCHEDULE: Library = {
  name: 'nest-schedule',
  patches: [
    {
      module: '@nestjs/schedule',
      versions: '>=12 <13',
      companions: ['cron'],
      hooks: [
        { form: 'around', on: explorer, method: 'wrapFunctionInTryCatchBlocks', around: wrapped },
        { form: 'around', on: registry, method: 'addCronJob', around: registered },
      ],
    },
    {
      // Here the explorer is not exported.
      module: '@nestjs/schedule',
      file: '@nestjs/schedule/dist/schedule.explorer.js',
      versions: '>=4 <12',
      hooks: [{ form: 'around', on: explorer, method: 'wrapFunctionInTryCatchBlocks', around: wrapped }],
    },
    {
      module: '@nestjs/schedule',
      versions: '>=4 <12',
      hooks: [{ form: 'around', on: registry, method: 'addCronJob', around: registered }],
    },
  ],
  owns: ['cron'],
};

/** Runs of methods that `@Cron`, `@Interval` and `@Timeout` schedule. */
export class NestScheduleInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return NEST_SCHEDULE;
  }
}
