import { context, SpanKind } from '@opentelemetry/api';
import { ATTR, recordMissedTask } from '@taskspan/core';
import {
  type LibraryRun,
  type LibraryRunOptions,
  type MissedReason,
  type Observation,
  observe,
  recordLostRun,
  reportOnce,
  type Settler,
  safely,
  startEnqueue,
  startLibraryRun,
} from '@taskspan/core/hub';
import { BoundedNames } from './bounded-name.ts';
import type { Described, EnqueueCall, RunEnding, RunFacts } from './facts.ts';
import { callThrough, type Interceptor, type LibraryCall, wrapFunction } from './wrapped-function.ts';

export interface KitOptions {
  readonly library: string;
  readonly owns: readonly string[];
  /** The application's own names of runs. */
  readonly operation: () => ((job: unknown) => string | undefined) | undefined;
  /** False once the instrumentation is switched off: handlers that are wrapped already are then just called. */
  readonly enabled?: () => boolean;
  /** Whether the application lets the carrier travel in the data of its jobs. Default: it does not. */
  readonly carriesInData?: () => boolean;
}

/** The run whose handler is being called right now, until it returns: for libraries that stand on libraries. */
interface Frame {
  readonly library: string;
  readonly run: LibraryRun;
  /** A library above has taken it over: its handler's ending is heard there. */
  merged: boolean;
}

let frame: Frame | undefined;

/** One that is being begun for a call, with what its facts say about its end. */
interface Begun {
  readonly facts: RunFacts;
  readonly run: LibraryRun;
}

/** What an instrumentation works with: it translates, `core` acts. No method throws of its own. */
export class LibraryKit {
  readonly names: BoundedNames = new BoundedNames();
  readonly #options: KitOptions;
  readonly #runs = new WeakMap<object, LibraryRun>();
  readonly #heardOut = new WeakSet<object>();

  constructor(options: KitOptions) {
    this.#options = options;
  }

  /** Whether the enqueuer's context may be put among the data of a job, where a library has no other slot. */
  get carriesInData(): boolean {
    return this.#options.carriesInData?.() ?? false;
  }

  /** Makes the call as the library would. */
  call(call: LibraryCall): unknown {
    return callThrough(call);
  }

  /**
   * Makes a call as the run that `describe` says it is; as several runs that begin and end together when it works on
   * several jobs. When there is nothing to say, the call is just made.
   *
   * @returns what the call returns; it throws what the call throws
   */
  run(call: LibraryCall, describe: () => Described, observation: Observation = 'beside'): unknown {
    if (this.#options.enabled?.() === false) return callThrough(call);
    const begun = safely(`describing a run of ${this.#options.library}`, () => this.#begin(describe()));
    const [first] = begun ?? [];
    if (begun === undefined || first === undefined) return callThrough(call);
    const outer = frame;
    const own: Frame = { library: this.#options.library, run: first.run, merged: false };
    const settler = new RunsSettler(begun, own);
    frame = own;
    let value: unknown;
    try {
      value = context.with(first.run.context, callThrough, undefined, call);
    } catch (error) {
      settler.threw(error);
      throw error;
    } finally {
      frame = outer;
    }
    return observe(value, settler, observation);
  }

  /** A handler of the application, each call of which is a run; to be handed to the library in its place. */
  wrapHandler(
    handler: unknown,
    describe: (call: LibraryCall) => Described,
    observation: Observation = 'beside',
  ): unknown {
    if (typeof handler !== 'function') return handler;
    const interceptor: Interceptor = (call) => this.run(call, () => describe(call), observation);
    return wrapFunction(handler, `${this.#options.library}.handler`, interceptor);
  }

  /**
   * Keeps hearing of the handler that an object of the library keeps, where the library may end a run before its handler
   * has come to an end: that is then a line in the log of the run.
   *
   * @param owner its member becomes a handler that nobody can tell from the one before
   * @param jobOf what the run of a call of the handler is found by
   */
  hearOut(owner: object, member: string, jobOf: (call: LibraryCall) => unknown): void {
    const handler = (owner as Record<string, unknown>)[member];
    if (typeof handler !== 'function' || this.#heardOut.has(handler)) return;
    const interceptor: Interceptor = (call) => {
      const run = this.runOf(jobOf(call));
      const value = callThrough(call);
      if (run === undefined) return value;
      const settled = (end: RunEnding): void => {
        if (run.isEnded) noteLateEnd(run, end);
      };
      const settler: Settler = {
        returned: (result) => settled({ value: result }),
        threw: (error) => settled({ error }),
      };
      return observe(value, settler, 'beside');
    };
    const heard = wrapFunction(handler, `${this.#options.library}.${member}`, interceptor);
    this.#heardOut.add(heard);
    (owner as Record<string, unknown>)[member] = heard;
  }

  /** Makes a call that enqueues, inside a PRODUCER span, with that span's context in the library's slot. */
  enqueue(call: LibraryCall, describe: () => EnqueueCall | undefined): unknown {
    const facts = safely(`describing what ${this.#options.library} enqueues`, describe);
    const enqueue = facts === undefined ? undefined : startEnqueue(facts);
    if (facts === undefined || enqueue === undefined) return callThrough(call);
    const { inject, messageId } = facts;
    const injected = inject === undefined ? undefined : safely('injecting the carrier', () => inject(enqueue.carrier));
    const made = injected === undefined ? call : { ...call, args: injected };
    const settler: Settler = {
      returned: (result) => {
        const id = messageId === undefined ? undefined : safely('reading the id of a job', () => messageId(result));
        if (id !== undefined) enqueue.setMessageId(id);
        enqueue.returned(result);
      },
      threw: (error) => enqueue.threw(error),
    };
    let result: unknown;
    try {
      result = enqueue.run(() => callThrough(made));
    } catch (error) {
      settler.threw(error);
      throw error;
    }
    // The application gets this promise, and may leave its rejection to the process.
    return observe(result, settler, 'through');
  }

  /** The run of a job that this process works, or worked, on. */
  runOf(job: unknown): LibraryRun | undefined {
    return typeof job === 'object' && job !== null ? this.#runs.get(job) : undefined;
  }

  /**
   * A scheduled run that did not happen.
   *
   * @param of its operation, or what a run of it would have been described by
   */
  missed(
    of: string | Pick<RunFacts, 'operation' | 'job'>,
    reason: MissedReason,
    scheduledAt?: Date | number | undefined,
  ): void {
    if (this.#options.enabled?.() === false) return;
    const operation = typeof of === 'string' ? of : this.#operation(of);
    recordMissedTask(operation, { reason, ...(scheduledAt === undefined ? {} : { scheduledAt }) });
  }

  /** A run whose process vanished, as the library tells it, in whichever process: counted once per id. */
  orphaned(facts: RunFacts & { readonly id: string; readonly startedAt?: Date | number | undefined }): void {
    safely(`describing a lost run of ${this.#options.library}`, () => {
      const { id, startedAt } = facts;
      recordLostRun(this.#operation(facts), { ...this.#runOptions(facts), id, startedAt });
    });
  }

  #begin(described: Described): Begun[] {
    if (described === undefined) return [];
    const all = isBatch(described) ? described : [described];
    const begun: Begun[] = [];
    for (const facts of all) {
      const merging = frame !== undefined && !frame.merged && this.#options.owns.includes(frame.library);
      const run = merging && frame !== undefined ? this.#takeOver(frame, facts) : this.#start(facts);
      if (run === undefined) continue;
      const { job } = facts;
      if (typeof job === 'object' && job !== null) this.#runs.set(job, run);
      begun.push({ facts, run });
    }
    return begun;
  }

  #start(facts: RunFacts): LibraryRun | undefined {
    return startLibraryRun(this.#operation(facts), this.#runOptions(facts));
  }

  /** A run that a library below has begun for this very call: it goes on under what this library says of it. */
  #takeOver(below: Frame, facts: RunFacts): LibraryRun {
    below.merged = true;
    const { run } = below;
    for (const [key, value] of Object.entries(this.#own(facts))) run.setOwn(key, value);
    for (const [key, value] of Object.entries(this.#attributes(facts) ?? {})) run.setAttribute(key, value);
    return run;
  }

  #operation(facts: Pick<RunFacts, 'operation' | 'job'>): string {
    const named = this.#options.operation();
    const own = named === undefined ? undefined : safely('the operation option', () => named(facts.job));
    if (own === undefined || (typeof own === 'string' && own !== '')) return own ?? facts.operation;
    reportOnce(
      `${this.#options.library}.operation`,
      `the operation option of ${this.#options.library} must return a non-empty string, got ${typeof own}; ${facts.operation} is used`,
    );
    return facts.operation;
  }

  #runOptions(facts: RunFacts): LibraryRunOptions {
    const { id, attempt, maxAttempts, enqueuedAt, scheduledAt, signal, label, links } = facts;
    return {
      id,
      attempt,
      maxAttempts,
      enqueuedAt,
      scheduledAt,
      signal,
      label,
      links,
      kind: facts.queue === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER,
      // A timer or a loop belongs to whoever made it, and not to whoever was active then.
      relation: 'root',
      carrier: asCarrier(facts.carrier),
      attributes: this.#attributes(facts),
      own: this.#own(facts),
    };
  }

  #attributes(facts: RunFacts): Readonly<Record<string, unknown>> | undefined {
    const messaging = this.#messaging(facts);
    const { attributes } = facts;
    if (messaging === undefined || attributes === undefined) return messaging ?? attributes;
    return Object.assign(messaging, attributes);
  }

  #own({ jobId, trigger, schedule, scheduledAt, batchSize }: RunFacts): Record<string, string | number> {
    const { library } = this.#options;
    // Keys stand here as literals: those of a table make an object of another shape, that costs more to fill and to read.
    const own: Record<string, string | number> =
      jobId === undefined
        ? { 'task.library': library, 'task.trigger': trigger }
        : { 'task.library': library, 'task.trigger': trigger, 'task.job.id': jobId };
    if (schedule !== undefined) own[ATTR.TASK_SCHEDULE] = schedule;
    if (scheduledAt !== undefined) own[ATTR.TASK_SCHEDULED_AT] = Number(scheduledAt) / 1000;
    if (batchSize !== undefined) own[ATTR.TASK_BATCH_SIZE] = batchSize;
    return own;
  }

  /** https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
  #messaging({ queue, jobId }: RunFacts): Record<string, unknown> | undefined {
    if (queue === undefined) return undefined;
    const attributes: Record<string, unknown> = {
      'messaging.system': this.#options.library,
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': queue,
    };
    if (jobId !== undefined) attributes['messaging.message.id'] = jobId;
    return attributes;
  }
}

function isBatch(described: RunFacts | readonly RunFacts[]): described is readonly RunFacts[] {
  return Array.isArray(described);
}

function asCarrier(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return typeof (value as { traceparent?: unknown }).traceparent === 'string'
    ? (value as Record<string, string>)
    : undefined;
}

/** Ends the runs of one call. */
class RunsSettler implements Settler {
  readonly #begun: readonly Begun[];
  readonly #frame: Frame;

  constructor(begun: readonly Begun[], own: Frame) {
    this.#begun = begun;
    this.#frame = own;
  }

  returned(value: unknown): void {
    this.#settle({ value });
  }

  threw(error: unknown): void {
    this.#settle({ error });
  }

  #settle(end: RunEnding): void {
    // A library above ends it, or has.
    if (this.#frame.merged) return;
    for (const { facts, run } of this.#begun) {
      if (run.isEnded) noteLateEnd(run, end);
      else settleRun(run, facts, end);
    }
  }
}

function settleRun(run: LibraryRun, { classify }: RunFacts, end: RunEnding): void {
  const classified = classify === undefined ? undefined : safely('classifying an ending', () => classify(end));
  if (classified?.willRetry !== undefined) run.setOwn(ATTR.TASK_WILL_RETRY, classified.willRetry);
  if (classified?.status !== undefined) {
    const { willRetry: _, error, status, ...outcome } = classified;
    const thrown = error === undefined ? ('error' in end ? end : undefined) : { error };
    run.report({ ...outcome, status, thrown });
  } else if ('error' in end) run.threw(end.error);
  else run.returned(end.value);
}

/** The library gave up on this run before its handler came to an end; somebody may be at the same job by now. */
function noteLateEnd(run: LibraryRun, end: RunEnding): void {
  run.log('warn', `the handler ${'error' in end ? 'failed' : 'returned'} after its run had ended`);
}
