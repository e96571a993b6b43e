/** What is read of a job of BullMQ, in any of its versions. */
export interface BullMQJob {
  readonly id?: string | undefined;
  readonly name?: string;
  readonly queueName?: string;
  readonly timestamp?: number;
  /** Since 5: how often it ended; before: how often it was started, this time included. */
  readonly attemptsMade?: number;
  /** Since 5. */
  readonly attemptsStarted?: number;
  readonly stalledCounter?: number;
  readonly finishedOn?: number | undefined;
  readonly repeatJobKey?: string;
  readonly opts?: BullMQJobOptions;
}

interface BullMQJobOptions {
  readonly attempts?: number;
  readonly delay?: number;
  readonly backoff?: { readonly type?: string } | undefined;
  readonly repeat?: BullMQRepeat;
  readonly prevMillis?: number;
  readonly telemetry?: { readonly metadata?: string };
  /** What newer versions write for `telemetry.metadata`, as older ones read it. */
  readonly tm?: string;
}

export interface BullMQRepeat {
  readonly every?: number | undefined;
  readonly pattern?: string | undefined;
  /** Before 3. */
  readonly cron?: string;
  readonly endDate?: Date | string | number | undefined;
  /** How many iterations there are to be. */
  readonly limit?: number | undefined;
  readonly immediately?: boolean;
}

/** What is read of a worker. */
export interface BullMQWorker {
  readonly opts?: { readonly telemetry?: unknown; readonly maxStartedAttempts?: number };
}

const KNOWN_BACKOFFS: ReadonlySet<string | undefined> = new Set([undefined, 'fixed', 'exponential']);

/** The attempt, 1-based, that a job is at while it is worked on. */
export function attemptOf({ attemptsMade = 0, attemptsStarted }: BullMQJob): number {
  return Math.max(1, attemptsStarted === undefined ? attemptsMade : attemptsMade + 1);
}

/** How often it was started, this time included: also after a stall, a delay or a wait for children. */
export function timesStarted({ attemptsMade, attemptsStarted }: BullMQJob): number {
  return Math.max(1, attemptsStarted ?? attemptsMade ?? 1);
}

export function attemptsAllowed({ opts }: BullMQJob): number {
  return Math.max(1, opts?.attempts ?? 1);
}

/** False where a backoff strategy of the application decides, which may also say that there is no further attempt. */
export function isRetryKnown({ opts }: BullMQJob): boolean {
  return KNOWN_BACKOFFS.has(opts?.backoff?.type);
}

/** Id of one start of a job, the same in every process that tells it. */
export function startId({ queueName, id }: BullMQJob, started: number): string {
  return `${queueName}.${id}.${started}`;
}

/** Whether it is one iteration of a schedule. */
export function isRepeated({ repeatJobKey, opts }: BullMQJob): boolean {
  return repeatJobKey !== undefined || opts?.repeat !== undefined;
}

/** When its schedule wanted it, epoch milliseconds. */
export function slotOf({ id, opts }: BullMQJob): number | undefined {
  if (opts?.repeat?.every !== undefined && id?.startsWith('repeat:') === true) {
    const slot = Number(id.slice(id.lastIndexOf(':') + 1));
    if (slot > 0) return slot;
  }
  return opts?.prevMillis;
}

/** A schedule as the library has it. */
export function scheduleText(repeat: BullMQRepeat | undefined): string | undefined {
  const { pattern, cron, every } = repeat ?? {};
  return pattern ?? cron ?? (every === undefined ? undefined : `every ${every} ms`);
}
