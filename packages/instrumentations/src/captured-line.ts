import type { Logger, LogRecord } from '@opentelemetry/api-logs';
import { currentRun, recordDropped, safely, state } from '@taskspan/core/hub';
import type { BridgeConfig } from './bridge-config.ts';

/** True while a record is handed over: a processor or exporter that logs must not be captured again, for ever. */
let emitting = false;

/** True while a captured line is on its way to the app's own output, which may go through another bridged logger. */
let printing = false;

/**
 * Whether a line that is written right now belongs into our log. It does not outside a run (unless `scope` is `all`),
 * and not when `core` itself writes through the caller's logger: the run's log has those records already.
 */
export function isWanted(scope: BridgeConfig['scope']): boolean {
  if (emitting || state.loggingToCaller) return false;
  return currentRun() !== undefined || scope === 'all';
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
        logger.emit(record);
      } catch (error) {
        recordDropped('logs', 'refused');
        throw error;
      }
    });
  } finally {
    emitting = false;
  }
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
