import { observe } from '@taskspan/core/hub';
import { takeDataCarrier, withDataCarrier } from '../base/data-carrier.ts';
import type { Classified, RunEnding, RunFacts } from '../base/facts.ts';
import { type Hook, type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';

interface AgendaJob {
  readonly attrs: Attributes;
  /** Since 6: false where the application runs a job by itself. */
  readonly byJobProcessor?: boolean;
  readonly agenda?: {
    readonly forkedWorker?: unknown;
    readonly definitions?: Readonly<Record<string, { readonly backoff?: unknown } | undefined>>;
  };
}

/** What is stored of a job. */
interface Attributes {
  readonly name: string;
  readonly _id?: unknown;
  readonly type?: string;
  readonly nextRunAt?: unknown;
  readonly lastRunAt?: unknown;
  readonly failedAt?: unknown;
  readonly failCount?: number | null;
  readonly repeatInterval?: unknown;
  readonly repeatAt?: unknown;
  data?: unknown;
  [CARRIER]?: unknown;
}

/** How the last attempt failed, as the library was told. */
interface Failure {
  readonly reason: unknown;
  /** When it was to run next, before anybody thought of another attempt. */
  readonly nextRunAt: unknown;
}

/** MongoDB keeps attributes that the library does not know; the tables of other backends do not. */
const CARRIER = '__taskspan';

/** What the processor says of a job that has lost its lock. */
const LOST_LOCK = /^execution of '.*' canceled/s;

const AGENDA: Library = {
  name: 'agenda',
  patches: [
    // Until 5, MongoDB is the only backend.
    { module: 'agenda', file: 'agenda/dist/job/index.js', versions: '>=4 <6', hooks: jobHooks('attribute') },
    {
      module: 'agenda',
      versions: '>=6 <7',
      hooks: [...jobHooks('data'), { form: 'around', on: prototypeOf('Job'), method: 'cancel', around: cancel }],
    },
  ],
};

/** Runs of Agenda's jobs. */
export class AgendaInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return AGENDA;
  }
}

type Slot = 'attribute' | 'data';

function jobHooks(slot: Slot): readonly Hook[] {
  const on = prototypeOf('Job');
  return [
    { form: 'run', on, method: 'run', describe: ({ self }) => describe(self as AgendaJob) },
    { form: 'around', on, method: 'fail', around: fail },
    { form: 'around', on, method: 'save', around: (call, kit) => save(call, slot, kit) },
  ];
}

const failures = new WeakMap<AgendaJob, Failure>();

/** Jobs of which the application said, while they ran, that they shall not go on. */
const cancelled = new WeakSet<AgendaJob>();

function describe(job: AgendaJob): RunFacts {
  const { attrs } = job;
  const { name, repeatInterval, repeatAt } = attrs;
  failures.delete(job);
  cancelled.delete(job);
  const jobId = attrs._id === undefined || attrs._id === null ? undefined : String(attrs._id);
  const schedule = repeatInterval ?? repeatAt ?? undefined;
  const isRepeated = schedule !== undefined;
  // `run` overwrites it. Null after a crash, for then the job has begun before.
  const slot = asDate(attrs.nextRunAt);
  // Of a repeated job, failures of other slots are counted too, unless each is tried again until it succeeds.
  const hasBackoff = job.agenda?.definitions?.[name]?.backoff !== undefined;
  const attempt = isRepeated && !hasBackoff ? 1 : (attrs.failCount ?? 0) + 1;
  const isManual = job.byJobProcessor === false;
  return {
    operation: name,
    job,
    trigger: isManual ? 'manual' : isRepeated ? 'schedule' : 'queue',
    id: runId({ name, jobId, of: isRepeated ? slot?.getTime() : attempt, isManual }),
    jobId,
    queue: name,
    attempt,
    enqueuedAt: attempt === 1 && !isRepeated && !isManual ? slot : undefined,
    scheduledAt: isRepeated && !isManual ? slot : undefined,
    schedule: schedule === undefined ? undefined : String(schedule),
    carrier: takeCarrier(attrs),
    classify: (end) => classify(end, job),
  };
}

interface RunIdParts {
  readonly name: string;
  readonly jobId: string | undefined;
  /** What tells the runs of one job apart. */
  readonly of: number | undefined;
  readonly isManual: boolean;
}

function runId({ name, jobId, of, isManual }: RunIdParts): string | undefined {
  return jobId === undefined || of === undefined || isManual ? undefined : `${name}.${jobId}.${of}`;
}

/** `run` tells nobody of a failure: the job's own dates do. */
function classify(end: RunEnding, job: AgendaJob): Classified | undefined {
  if ('error' in end) return undefined;
  const { failedAt, lastRunAt, nextRunAt } = job.attrs;
  const failedAtMs = asDate(failedAt)?.getTime();
  if (failedAtMs === undefined || failedAtMs < (asDate(lastRunAt)?.getTime() ?? 0)) return undefined;
  const failure = failures.get(job);
  const next = asDate(nextRunAt)?.getTime();
  const willRetry = next !== undefined && next !== asDate(failure?.nextRunAt)?.getTime();
  if (cancelled.has(job)) return { status: 'cancelled', errorType: 'aborted', willRetry };
  return { status: 'failure', error: failure?.reason, willRetry };
}

/** `fail(reason)` keeps the message only. */
function fail(call: LibraryCall, kit: LibraryKit): unknown {
  const job = call.self as AgendaJob;
  failures.set(job, { reason: call.args[0], nextRunAt: job.attrs.nextRunAt });
  return kit.call(call);
}

/** Lost locks end a run for the library; all else is a wish that the handler may follow. */
function cancel(call: LibraryCall, kit: LibraryKit): unknown {
  const job = call.self as AgendaJob;
  const [reason] = call.args;
  const run = kit.runOf(job);
  if (run !== undefined && !run.isEnded) {
    if (reason instanceof Error && LOST_LOCK.test(reason.message)) {
      const isTimeout = reason.message.includes('execution took more than');
      run.report({ status: isTimeout ? 'failure' : 'cancelled', errorType: isTimeout ? 'timeout' : 'aborted' });
    } else cancelled.add(job);
  }
  return kit.call(call);
}

/**
 * A job that is new is enqueued by `save`. One that has an id is only changed, and what is to be repeated would carry
 * the context of whoever made the schedule for ever.
 */
function save(call: LibraryCall, slot: Slot, kit: LibraryKit): unknown {
  const job = call.self as AgendaJob;
  const { attrs } = job;
  const { name, _id: id, type, repeatInterval, repeatAt } = attrs;
  const isSchedule = type === 'single' || (repeatInterval ?? repeatAt ?? undefined) !== undefined;
  if ((id ?? undefined) !== undefined || isSchedule || job.agenda?.forkedWorker === true) return kit.call(call);
  let restore = (): void => {};
  const saved = kit.enqueue(call, () => ({
    system: 'agenda',
    destination: name,
    name: 'save',
    messageId: () => (attrs._id === undefined ? undefined : String(attrs._id)),
    inject: (carrier) => {
      restore = putCarrier(attrs, carrier, slot === 'data' && !kit.carriesInData ? undefined : slot);
      return call.args;
    },
  }));
  return observe(saved, { returned: () => restore(), threw: () => restore() }, 'through');
}

/** Puts the carrier onto a job for as long as it is being saved. Returns what takes it away again. */
function putCarrier(attrs: Attributes, carrier: Readonly<Record<string, string>>, slot: Slot | undefined): () => void {
  if (slot === undefined) return () => {};
  if (slot === 'attribute') {
    if (attrs[CARRIER] !== undefined) return () => {};
    attrs[CARRIER] = carrier;
    return () => void Reflect.deleteProperty(attrs, CARRIER);
  }
  const { data } = attrs;
  const carrying = withDataCarrier(data, carrier);
  attrs.data = carrying;
  return () => {
    if (attrs.data === carrying) attrs.data = data;
  };
}

function takeCarrier(attrs: Attributes): unknown {
  const carrier = attrs[CARRIER] ?? takeDataCarrier(attrs.data);
  Reflect.deleteProperty(attrs, CARRIER);
  return carrier;
}

function asDate(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? new Date(value) : value;
  return date instanceof Date && !Number.isNaN(date.getTime()) ? date : undefined;
}
