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
    if (flushTimer === undefined) flushTimer = setTimeout(flushAll, LIMITS.progressIntervalMs).unref();
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

function flushAll(): void {
  flushTimer = undefined;
  for (const throttle of [...holding]) throttle.flush();
}
