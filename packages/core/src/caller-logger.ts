import { describeValue, ignoreRejection, reportOnce, safely } from './internal/report.ts';
import { state } from './internal/state.ts';

type LogMethod = (...args: never[]) => unknown;

/** A logger of the application: winston, console, pino (recognised by `bindings()`), or anything with these methods. */
export interface CallerLogger {
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  bindings?: (() => unknown) | undefined;
}

/**
 * Writes one line through the caller's logger, as `(message, fields)`, or `(fields, message)` for pino. A logger that
 * throws is reported and never reaches the work. Bridges do not capture these lines: the run's log has them already.
 */
export function logToCaller(
  logger: unknown,
  level: 'info' | 'warn' | 'error',
  line: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> },
): void {
  if (logger === undefined || logger === null) return;
  const outer = state.loggingToCaller;
  state.loggingToCaller = true;
  safely('the logger option', () => {
    const target = logger as Record<string, ((...args: unknown[]) => unknown) | undefined>;
    const method = target[level];
    if (typeof method !== 'function') {
      reportOnce(`logger.${level}`, `logger.${level} must be a function, got ${describeValue(method)}`);
      return;
    }
    const isPino = typeof target['bindings'] === 'function';
    ignoreRejection(
      isPino ? method.call(logger, line.fields, line.message) : method.call(logger, line.message, line.fields),
    );
  });
  state.loggingToCaller = outer;
}
