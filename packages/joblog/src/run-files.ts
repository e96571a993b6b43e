import { createHash } from 'node:crypto';
import { reportOnce, taskFile, utcDate } from '@taskspan/core/hub';

const MS_PER_HOUR = 3_600_000;
/** Hours whose budgets are remembered: the clock may be set back by one. */
const HOURS_REMEMBERED = 3;
/** What a file's path below the logs folder may be, without ending, whoever says so. */
const SAFE_FILE = /^\d{4}-\d{2}-\d{2}\/[A-Za-z0-9_][A-Za-z0-9._-]{0,140}$/;
const UUID_HEAD = /^[0-9a-f]{8}-/;
const UNDERSCORE = 0x5f;
const NAME_AT = 'YYYY-MM-DD/'.length;

/** Run files per process and UTC hour; 0: always shared. */
export type RunFilesPerHour = number | 'unlimited';

/** Which file everything belongs to. */
export class RunFiles {
  readonly #perHour: number;
  readonly #instance8: string;
  /** Runs started per hour since the epoch. */
  readonly #started = new Map<number, number>();

  constructor(instanceId: string, perHour: RunFilesPerHour) {
    this.#perHour = perHour === 'unlimited' ? Number.POSITIVE_INFINITY : perHour;
    this.#instance8 = instance8(instanceId);
  }

  /**
   * `task.file` of a run that starts: a file of its own, or the one of the hour once the hour's budget is spent.
   *
   * @param startTimeMs epoch milliseconds
   */
  nameFor(id: string, startTimeMs: number): string {
    const hour = Math.floor(startTimeMs / MS_PER_HOUR);
    const started = this.#started.get(hour) ?? 0;
    if (started < this.#perHour) {
      if (started === 0) this.#forgetOldest();
      this.#started.set(hour, started + 1);
      return taskFile(id, startTimeMs);
    }
    if (this.#perHour > 0) {
      reportOnce(
        'joblog.runFilesPerHour',
        `more than ${this.#perHour} runs in an hour: further ones share a file (TASKSPAN_RUN_FILES_PER_HOUR)`,
      );
    }
    const hourOfDay = String(((hour % 24) + 24) % 24).padStart(2, '0');
    return `${utcDate(startTimeMs)}/_${hourOfDay}.${this.#instance8}`;
  }

  /** The file of what belongs to no run. */
  processFile(timeMs: number): string {
    return `${utcDate(timeMs)}/_process.${this.#instance8}`;
  }

  #forgetOldest(): void {
    if (this.#started.size < HOURS_REMEMBERED) return;
    this.#started.delete(Math.min(...this.#started.keys()));
  }
}

/** True when a `task.file` that came from outside stays in its folder. */
export function isSafeFile(file: unknown): file is string {
  return typeof file === 'string' && SAFE_FILE.test(file);
}

/** True for the files that many runs share. */
export function isSharedFile(file: string): boolean {
  return file.charCodeAt(NAME_AT) === UNDERSCORE;
}

/** The first 8 digits of a UUID; of any other instance id, 8 hex digits of its SHA-256. */
function instance8(instanceId: string): string {
  if (UUID_HEAD.test(instanceId)) return instanceId.slice(0, 8);
  return createHash('sha256').update(instanceId).digest('hex').slice(0, 8);
}
