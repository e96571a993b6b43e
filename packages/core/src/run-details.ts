import type { AnyValue } from '@opentelemetry/api-logs';
import { NO_RULES, type OutcomeRules } from './outcome.ts';

/** Attributes in the namespace of the toolkit, which callers cannot set. */
export type OwnAttributes = Readonly<Record<string, string | number | boolean>>;

/** What a caller may say of a run, every value already checked. Most runs share one that says nothing. */
export interface RunDetails {
  readonly attempt: number | undefined;
  readonly maxAttempts: number | undefined;
  /** Seconds, first attempts only. */
  readonly waitSeconds: number | undefined;
  readonly label: string | undefined;
  readonly outputs: readonly string[] | undefined;
  readonly logger: unknown;
  readonly rules: OutcomeRules;
  /** Asked when the run ends: a caller's record is read then, never before. */
  readonly readAtEnd: (() => { readonly error?: unknown; readonly deadlineMs: number | undefined }) | undefined;
  readonly orphan: boolean;
  /** What an instrumentation says of the run in the namespace of the toolkit. */
  readonly own: OwnAttributes | undefined;
}

/** A run of which nothing more is said. */
export const NO_DETAILS: RunDetails = {
  attempt: undefined,
  maxAttempts: undefined,
  waitSeconds: undefined,
  label: undefined,
  outputs: undefined,
  logger: undefined,
  rules: NO_RULES,
  readAtEnd: undefined,
  orphan: false,
  own: undefined,
};

/** What every run has of its own. */
export interface RunIdentity {
  readonly id: string;
  readonly operation: string;
  readonly file: string;
  /** Monotonic milliseconds. */
  readonly startMono: number;
  /** Epoch milliseconds. */
  readonly startTimeMs: number;
  readonly fields: Readonly<Record<string, AnyValue>> | undefined;
}
