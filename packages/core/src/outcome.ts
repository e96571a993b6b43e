import { errorType, readSafely } from './error-facts.ts';
import { describeValue, ignoreRejection, reportOnce, safely } from './internal/report.ts';
import type { ClaimableStatus, TaskStatus } from './status.ts';
import { isClaimableStatus } from './status.ts';

/** Errors that still reach the caller, while the run counts as a success: a predicate, or classes and names. */
export type AcceptableErrors =
  | ((error: unknown) => boolean)
  // biome-ignore lint/complexity/noBannedTypes: any class is meant, also abstract ones and those with private constructors.
  | ReadonlyArray<string | Function>;

/** What a library reports instead of throwing. */
export interface ReportedOutcome {
  readonly status: ClaimableStatus;
  readonly errorType?: string | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/** Translates what the work did into an outcome, for libraries that report failures without throwing. */
export type OutcomeOf = (end: { readonly error: unknown } | { readonly value: unknown }) => ReportedOutcome | undefined;

/** How a job library says that a run ended. */
export interface LibraryOutcome extends ReportedOutcome {
  /** What was thrown, when that is known: it is written into the log of a failed run. */
  readonly thrown?: { readonly error: unknown } | undefined;
}

/** What is known when a run ends. */
export interface RunEnd {
  /** Present when the work threw (any value, also undefined) or `end({error})` got one that is not null or undefined. */
  readonly thrown?: { readonly error: unknown } | undefined;
  /** What the work returned, when that is known. */
  readonly returned?: { readonly value: unknown } | undefined;
  /** What `end({status})` claimed. */
  readonly status?: unknown;
}

export interface OutcomeRules {
  readonly signal: AbortSignal | undefined;
  /** Epoch milliseconds; undefined or 0 means none. */
  readonly deadlineMs: number | undefined;
  readonly acceptableErrors: AcceptableErrors | undefined;
  readonly outcome: OutcomeOf | undefined;
}

export interface Outcome {
  readonly status: TaskStatus;
  readonly errorType: string | undefined;
  /** The error to write down, when the run failed because of one. */
  readonly failure: { readonly error: unknown } | undefined;
  readonly attributes: Readonly<Record<string, unknown>> | undefined;
}

/** The rules of most runs. */
export const NO_RULES: OutcomeRules = {
  signal: undefined,
  deadlineMs: undefined,
  acceptableErrors: undefined,
  outcome: undefined,
};

/** How most runs end. */
export const SUCCESS: Outcome = { status: 'success', errorType: undefined, failure: undefined, attributes: undefined };

/** `error.type` of a status that was claimed without an error; `_OTHER` is the conventions' word for an unknown one. */
const CLAIMED_ERROR_TYPE: Readonly<Record<ClaimableStatus, string | undefined>> = {
  success: undefined,
  failure: '_OTHER',
  cancelled: 'aborted',
  deferred: undefined,
};

/**
 * Decides how a run ended. Precedence, first match wins: the `outcome` option; a thrown error, unless acceptable
 * (cancelled when the signal caused it, `timeout` when the signal was a timeout); a claimed status; expired when a
 * success came strictly after its deadline; success.
 */
export function decideOutcome(end: RunEnd, rules: OutcomeRules): Outcome {
  const reported = reportedOutcome(end, rules);
  if (reported !== undefined) return reported;
  let acceptedType: string | undefined;
  if (end.thrown !== undefined) {
    const { error } = end.thrown;
    const aborted = abortOutcome(error, rules.signal);
    if (isAcceptable(error, rules.acceptableErrors)) acceptedType = errorType(error);
    else if (aborted !== undefined) return aborted;
    else return { status: 'failure', errorType: errorType(error), failure: end.thrown, attributes: undefined };
  }
  const claimed = claimedStatus(end.status);
  if (claimed !== undefined) {
    const type = acceptedType ?? CLAIMED_ERROR_TYPE[claimed];
    return { status: claimed, errorType: type, failure: undefined, attributes: undefined };
  }
  const { deadlineMs } = rules;
  const expired = deadlineMs !== undefined && deadlineMs !== 0 && Date.now() > deadlineMs;
  if (!expired && acceptedType === undefined) return SUCCESS;
  return {
    status: expired ? 'expired' : 'success',
    errorType: acceptedType,
    failure: undefined,
    attributes: undefined,
  };
}

/** The outcome that an instrumentation reports, completed. */
export function libraryOutcome(reported: LibraryOutcome): Outcome {
  const { status, errorType: type, thrown, attributes } = reported;
  const fallback = thrown === undefined ? undefined : errorType(thrown.error);
  return {
    status,
    errorType: type ?? (status === 'failure' ? (fallback ?? CLAIMED_ERROR_TYPE.failure) : CLAIMED_ERROR_TYPE[status]),
    failure: status === 'failure' ? thrown : undefined,
    attributes,
  };
}

function reportedOutcome(end: RunEnd, rules: OutcomeRules): Outcome | undefined {
  const { outcome } = rules;
  const argument = end.thrown ?? end.returned;
  if (outcome === undefined || argument === undefined) return undefined;
  const said = safely('the outcome option', () => outcome(argument));
  if (said === undefined || said === null) return undefined;
  const status = readSafely(said, 'status');
  if (!isClaimableStatus(status)) {
    ignoreRejection(said);
    reportOnce('outcome.status', `outcome() returned status ${describeValue(status)}; the usual rules decide`);
    return undefined;
  }
  const type = readSafely(said, 'errorType');
  const fallback = end.thrown === undefined ? undefined : errorType(end.thrown.error);
  const attributes = readSafely(said, 'attributes');
  return {
    status,
    errorType:
      typeof type === 'string' && type !== ''
        ? type
        : status === 'failure'
          ? (fallback ?? CLAIMED_ERROR_TYPE.failure)
          : CLAIMED_ERROR_TYPE[status],
    failure: status === 'failure' ? end.thrown : undefined,
    attributes:
      typeof attributes === 'object' && attributes !== null ? (attributes as Record<string, unknown>) : undefined,
  };
}

/** The work stopped because of its signal when the error is the signal's reason, an AbortError, or caused by the reason. */
function abortOutcome(error: unknown, signal: AbortSignal | undefined): Outcome | undefined {
  if (signal === undefined || readSafely(signal, 'aborted') !== true) return undefined;
  const reason = readSafely(signal, 'reason');
  // Signals of old polyfills have no reason: undefined, which is also the cause of every error without one.
  const because =
    readSafely(error, 'name') === 'AbortError' ||
    (reason !== undefined && (error === reason || readSafely(error, 'cause') === reason));
  if (!because) return undefined;
  if (readSafely(reason, 'name') === 'TimeoutError') {
    return { status: 'failure', errorType: 'timeout', failure: { error }, attributes: undefined };
  }
  return { status: 'cancelled', errorType: 'aborted', failure: undefined, attributes: undefined };
}

function isAcceptable(error: unknown, acceptable: AcceptableErrors | undefined): boolean {
  if (acceptable === undefined) return false;
  if (typeof acceptable === 'function') {
    const said: unknown = safely('the acceptableErrors predicate', () => acceptable(error));
    ignoreRejection(said);
    return said === true;
  }
  return safely('reading acceptableErrors', () => acceptable.some((one) => matches(error, one))) === true;
}

function matches(error: unknown, one: unknown): boolean {
  if (typeof one === 'string') return one === errorType(error) || one === readSafely(error, 'name');
  try {
    return error instanceof (one as typeof Error);
  } catch {
    reportOnce('acceptableErrors[]', `acceptableErrors takes classes and names, got ${describeValue(one)}`);
    return false;
  }
}

function claimedStatus(status: unknown): ClaimableStatus | undefined {
  if (status === undefined || status === null) return undefined;
  if (isClaimableStatus(status)) return status;
  reportOnce(
    'end.status',
    `end({status: ${describeValue(status)}}) cannot be claimed; use success, failure, cancelled or deferred`,
  );
  return undefined;
}
