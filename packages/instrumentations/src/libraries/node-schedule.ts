import type { RunFacts } from '../base/facts.ts';
import { type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { scheduleName } from './schedule-name.ts';

interface Job {
  readonly name?: unknown;
  readonly job?: unknown;
}

/** What each job was last scheduled by. */
const specs = new WeakMap<object, unknown>();

/** Fields of a rule, as the library names them. */
const RULE_FIELDS = ['year', 'month', 'date', 'dayOfWeek', 'hour', 'minute', 'second', 'tz'];

/** A word such as `@daily`, or fields; dates have one word or a colon. */
const PATTERN = /^\s*(@\w+|[^\s:]+(\s+[^\s:]+)+)\s*$/;

/** A pattern, a rule as `hour=4 minute=30`, or a date. */
function scheduleText(spec: unknown): { readonly text: string | undefined; readonly isDate: boolean } {
  if (typeof spec === 'string') return { text: spec, isDate: !PATTERN.test(spec) };
  if (typeof spec === 'number' || spec instanceof Date) return { text: new Date(spec).toISOString(), isDate: true };
  if (typeof spec !== 'object' || spec === null) return { text: undefined, isDate: false };
  const { rule } = spec as { readonly rule?: unknown };
  if (rule !== undefined) return scheduleText(rule);
  const fields = RULE_FIELDS.flatMap((field) => {
    const value = (spec as Readonly<Record<string, unknown>>)[field];
    if (value === undefined || value === null) return [];
    return [`${field}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`];
  });
  return { text: fields.join(' '), isDate: false };
}

function describe(job: Job, fireDate: unknown, kit: LibraryKit): RunFacts {
  const { text, isDate } = scheduleText(specs.get(job));
  return {
    operation: scheduleName(kit, {
      library: 'node-schedule',
      name: job.name,
      handler: job.job,
      pattern: isDate ? undefined : text,
    }),
    job,
    trigger: fireDate instanceof Date ? 'schedule' : 'manual',
    scheduledAt: fireDate instanceof Date ? fireDate : undefined,
    schedule: text,
  };
}

function invoked(call: LibraryCall, kit: LibraryKit): unknown {
  const job = call.self as Job;
  const [fireDate] = call.args;
  // The library hears of a rejection when its timer called; when the application did, it may leave that to the process.
  return kit.run(call, () => describe(job, fireDate, kit), fireDate instanceof Date ? 'beside' : 'through');
}

function scheduled(call: LibraryCall, kit: LibraryKit): unknown {
  const done = kit.call(call);
  if (done === true) specs.set(call.self as object, call.args[0]);
  return done;
}

const NODE_SCHEDULE: Library = {
  name: 'node-schedule',
  patches: [
    {
      module: 'node-schedule',
      versions: '>=2 <3',
      hooks: [
        { form: 'around', on: prototypeOf('Job'), method: 'invoke', around: invoked },
        { form: 'around', on: prototypeOf('Job'), method: 'schedule', around: scheduled },
      ],
    },
  ],
};

/** Runs of node-schedule's jobs. */
export class NodeScheduleInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return NODE_SCHEDULE;
  }
}
