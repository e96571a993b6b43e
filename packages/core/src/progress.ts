import { wallMs } from './clock.ts';
import type { RunInfo } from './internal/state.ts';
import { LIMITS } from './limits.ts';
import { ATTR, EVENT, SEVERITY } from './names.ts';
import { emitRecord } from './records.ts';

/** Runs with a progress report held back; one shared timer serves them all. */
const holding = new Set<ProgressThrottle>();
let flushTimer: NodeJS.Timeout | undefined;

/** Keeps one run's progress at 10 events a second; the latest report is held back and never lost. */
export class ProgressThrottle {
  private readonly run: RunInfo;
  private lastMs = Number.NEGATIVE_INFINITY;
  private held: { share: number; message: string | undefined; timeMs: number } | undefined = undefined;

  constructor(run: RunInfo) {
    this.run = run;
  }

  /** @param share 0 to 1 */
  report(share: number, message: string | undefined): void {
    const timeMs = wallMs();
    this.held = { share, message, timeMs };
    // A clock set back must not silence a run.
    const waited = Math.abs(timeMs - this.lastMs);
    if (waited >= LIMITS.progressIntervalMs) {
      this.flush();
      return;
    }
    holding.add(this);
    armTimer(LIMITS.progressIntervalMs - waited);
  }

  /** Milliseconds until the report held back may be written; not above the interval, also when the clock is set back. */
  get dueInMs(): number {
    return LIMITS.progressIntervalMs - Math.abs(wallMs() - this.lastMs);
  }

  /** Writes the report held back, if any. */
  flush(): void {
    holding.delete(this);
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    this.lastMs = wallMs();
    emitRecord(this.run, {
      eventName: EVENT.PROGRESS,
      severity: SEVERITY.info,
      body: held.message,
      attributes: { [ATTR.TASK_PROGRESS]: held.share },
      timeMs: held.timeMs,
    });
  }
}

function armTimer(delayMs: number): void {
  if (flushTimer === undefined) flushTimer = setTimeout(flushDue, Math.ceil(delayMs)).unref();
}

/** Runs that began to hold back later than the one that armed the timer wait for a timer of their own. */
function flushDue(): void {
  flushTimer = undefined;
  let nextMs = Number.POSITIVE_INFINITY;
  for (const throttle of [...holding]) {
    const { dueInMs } = throttle;
    if (dueInMs <= 0) throttle.flush();
    else nextMs = Math.min(nextMs, dueInMs);
  }
  if (holding.size > 0) armTimer(nextMs);
}
