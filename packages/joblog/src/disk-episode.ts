import { clearReports, recordDropped, reportOnce } from '@taskspan/core/hub';

const REPORT_KEY = 'joblog.disk';

/** One warning per episode of disk trouble; what was lost is counted. */
export class DiskEpisode {
  readonly #directory: string;
  #failing = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** After each batch: the code of its last failure, undefined when all went well. */
  batch(failureCode: string | undefined): void {
    if (failureCode === undefined) {
      if (this.#failing) clearReports(REPORT_KEY);
      this.#failing = false;
      return;
    }
    if (this.#failing) return;
    this.#failing = true;
    const reason = failureCode === 'LOW_SPACE' ? 'less than 5 % of the disk is free' : failureCode;
    reportOnce(REPORT_KEY, `job logs cannot be written to ${this.#directory}: ${reason}; what is lost is counted`);
  }

  lost(logs: number, spans: number): void {
    if (logs > 0) recordDropped('logs', 'disk', logs);
    if (spans > 0) recordDropped('spans', 'disk', spans);
  }
}
