/** `broken`: telemetry is lost, mend it; `warning`: it may surprise; `fine`: for information. */
export type FindingLevel = 'fine' | 'warning' | 'broken';

export interface Finding {
  readonly level: FindingLevel;
  /** What was looked at. */
  readonly topic: string;
  readonly found: string;
  /** What to do about it; absent when nothing is to be done. */
  readonly fix?: string;
}
