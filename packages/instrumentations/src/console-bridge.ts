import { format } from 'node:util';
import { InstrumentationBase } from '@opentelemetry/instrumentation';
import { SCOPE, SEVERITY } from '@taskspan/core';
import type { BridgeConfig } from './bridge-config.ts';
import { emitLine, isPrinting, isWanted, whilePrinting } from './captured-line.ts';
import { exceptionAttributes, isErrorLike } from './exception-attributes.ts';
import { attachTap, detachTap, patchMethod, restoreAll } from './tap.ts';

const SEVERITIES = {
  trace: 1,
  debug: SEVERITY.debug,
  log: SEVERITY.info,
  info: SEVERITY.info,
  warn: SEVERITY.warn,
  error: SEVERITY.error,
} as const;

type ConsoleMethod = keyof typeof SEVERITIES;

/** Takes every call of a bridged console method, before it prints. Must not throw. */
type ConsoleTap = (method: ConsoleMethod, args: readonly unknown[]) => void;

const METHODS = Object.keys(SEVERITIES) as ConsoleMethod[];
const KEY = Symbol.for('taskspan.console.v1');

/**
 * Brings what `console.trace`, `debug`, `log`, `info`, `warn` and `error` print into the OTel logs API with the
 * caller's context. Meant for apps without a logger: constructing it is opting in.
 */
export class ConsoleBridge extends InstrumentationBase<BridgeConfig> {
  // Only declared: the base constructor calls init() and enable(), and a field initialiser would erase what they store.
  declare private tap: ConsoleTap;

  constructor(config: BridgeConfig = {}) {
    super('@taskspan/console', SCOPE.version, config);
  }

  protected override init(): undefined {
    this.tap ??= (method, args) => this.capture(method, args);
  }

  override enable(): void {
    super.enable();
    attachTap(console, KEY, { tap: this.tap, install: patchConsole });
  }

  override disable(): void {
    super.disable();
    detachTap(console, KEY, this.tap);
  }

  private capture(method: ConsoleMethod, args: readonly unknown[]): void {
    if (!isWanted(this.logger, this.getConfig().scope)) return;
    const severity = { severityNumber: SEVERITIES[method], severityText: method };
    emitLine(
      this.logger,
      () => {
        const error = args.find(isErrorLike);
        return {
          ...severity,
          body: format(...args),
          ...(error === undefined ? {} : { attributes: exceptionAttributes(error) }),
        };
      },
      { ...severity, body: '(unreadable log line)' },
    );
  }
}

/** Console methods call one another (`trace` prints through `error`), and loggers print through them: outermost wins. */
function patchConsole(taps: readonly ConsoleTap[]): () => boolean {
  const undo = METHODS.map((method) =>
    patchMethod(
      console,
      method,
      (original) =>
        function print(this: unknown, ...args: unknown[]): unknown {
          if (isPrinting()) return Reflect.apply(original, this, args);
          taps[0]?.(method, args);
          return whilePrinting(() => Reflect.apply(original, this, args));
        },
    ),
  );
  return restoreAll(console, METHODS, undo);
}
