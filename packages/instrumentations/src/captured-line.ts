import type { AnyValueMap, Logger, LogRecord } from '@opentelemetry/api-logs';
import { ATTR } from '@taskspan/core';
import { currentRun, recordDropped, safely, state } from '@taskspan/core/hub';
import type { BridgeConfig } from './bridge-config.ts';

/** Attributes that a line may have beside those of its run. */
const MAX_ATTRIBUTES = 100;

/** Attribute that holds, as a map, what is beyond {@link MAX_ATTRIBUTES}. */
const MORE = 'more';

/** True while a record is handed over: a processor or exporter that logs must not be captured again, for ever. */
let emitting = false;

/** True while a captured line is on its way to the app's own output, which may go through another bridged logger. */
let printing = false;

/**
 * Whether a line that is written right now belongs into our log. It does not outside a run (unless `scope` is `all`),
 * not when `core` itself writes through the caller's logger (the run's log has those records already), and not when
 * nobody listens.
 */
export function isWanted(logger: Logger, scope: BridgeConfig['scope']): boolean {
  if (emitting || state.loggingToCaller) return false;
  if (currentRun() === undefined && scope !== 'all') return false;
  try {
    return logger.enabled();
  } catch {
    // An older logs SDK in the global slot, whose loggers cannot tell.
    return true;
  }
}

/**
 * Makes a record and emits it. Nothing that this throws reaches the app; a line that cannot be translated leaves the
 * `fallback`, so that its run still shows that something was said.
 */
export function emitLine(logger: Logger, makeRecord: () => LogRecord, fallback: LogRecord): void {
  emitting = true;
  try {
    const record = safely('translating a log line', makeRecord) ?? fallback;
    safely('emitting a log line', () => {
      try {
        logger.emit({ ...record, attributes: fitting(record.attributes ?? {}) });
      } catch (error) {
        recordDropped('logs', 'refused');
        throw error;
      }
    });
  } finally {
    emitting = false;
  }
}

/**
 * Attributes of a line that leave room for the run's: a line of the app cannot pass for one that is stamped already, and
 * with the SDK's limit of 128 a line with more fields than that would lose its run. What is beyond moves into one map.
 */
function fitting(attributes: AnyValueMap): AnyValueMap {
  const keys = Object.keys(attributes);
  if (keys.length <= MAX_ATTRIBUTES && !(ATTR.TASK_SEQUENCE in attributes)) return attributes;
  const fit: AnyValueMap = {};
  const more: AnyValueMap = {};
  let kept = 0;
  for (const key of keys) {
    if (key === ATTR.TASK_SEQUENCE) continue;
    kept += 1;
    if (kept <= MAX_ATTRIBUTES) fit[key] = attributes[key];
    else more[key] = attributes[key];
  }
  if (kept > MAX_ATTRIBUTES) fit[MORE] = more;
  return fit;
}

/** Whether a line captured by one bridge is being printed, perhaps through the console. */
export function isPrinting(): boolean {
  return printing;
}

/** Runs the app's own output of a captured line, and returns what that returns. */
export function whilePrinting<T>(print: () => T): T {
  const outer = printing;
  printing = true;
  try {
    return print();
  } finally {
    printing = outer;
  }
}
