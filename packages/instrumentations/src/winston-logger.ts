import type { Context } from '@opentelemetry/api';
import { whilePrinting } from './captured-line.ts';
import { attachTap, detachTap, patchMethod, restoreAll } from './tap.ts';

/** The parts of a winston 3 logger and its transports that the bridge reads; all of them may be missing. */
export interface WinstonLogger {
  readonly level?: string;
  readonly levels?: Readonly<Record<string, number>>;
  readonly silent?: boolean;
  readonly transports?: readonly WinstonTransport[];
  isLevelEnabled?(level: string): boolean;
}

interface WinstonTransport {
  readonly level?: string;
}

/** One line between `write` and the moment at which the logger has formatted it. */
export interface WinstonLine {
  readonly logger: WinstonLogger;
  readonly info: object;
  readonly level: string;
  /** An error among the arguments, found before the splat format takes them apart. */
  readonly error: unknown;
  readonly context: Context;
  /** Epoch milliseconds of the `write`. */
  readonly timeMs: number;
}

/** Listens to the loggers of a patched prototype. Neither method may throw. */
export interface WinstonTap {
  /** A line is written: what to remember of it, undefined when it is not wanted. */
  begin(logger: WinstonLogger, info: unknown): WinstonLine | undefined;
  /** The logger's formats have run (splat, redaction, filters): `formatted` is what the transports are about to get. */
  finish(line: WinstonLine, formatted: object): void;
}

const KEY = Symbol.for('taskspan.winston.v1');

/** Patches a winston `Logger.prototype`, for the loggers that exist already as well. */
export function tapWinston(prototype: object, tap: WinstonTap): void {
  attachTap(prototype, KEY, { tap, install: (taps) => install(prototype, taps) });
}

export function untapWinston(prototype: object, tap: WinstonTap): void {
  detachTap(prototype, KEY, tap);
}

/**
 * `write` is where the caller's context is known, `push` is where the line is as the app wants it: after its formats,
 * which may redact or drop it. Between them stands `_transform`, normally within the same call; a logger under back
 * pressure runs it later, and the line waits for it with its context and time.
 */
function install(prototype: object, taps: readonly WinstonTap[]): () => boolean {
  let written: WinstonLine | undefined;
  let formatting: WinstonLine | undefined;
  const waiting = new WeakMap<object, WinstonLine>();

  const undoWrite = patchMethod(
    prototype,
    'write',
    (original) =>
      function write(this: WinstonLogger, ...args: unknown[]): unknown {
        const line = taps[0]?.begin(this, args[0]);
        if (line === undefined) return Reflect.apply(original, this, args);
        const outer = written;
        written = line;
        try {
          return Reflect.apply(original, this, args);
        } finally {
          if (written === line) waiting.set(line.info, line);
          written = outer;
        }
      },
  );

  const undoTransform = patchMethod(
    prototype,
    '_transform',
    (original) =>
      function transform(this: WinstonLogger, ...args: unknown[]): unknown {
        const line = takeLine(this, args[0]);
        if (line === undefined && formatting === undefined) return Reflect.apply(original, this, args);
        const outer = formatting;
        formatting = line;
        try {
          return Reflect.apply(original, this, args);
        } finally {
          formatting = outer;
        }
      },
  );

  function takeLine(logger: WinstonLogger, info: unknown): WinstonLine | undefined {
    if (written !== undefined && written.info === info && written.logger === logger) {
      const line = written;
      written = undefined;
      return line;
    }
    if (typeof info !== 'object' || info === null) return undefined;
    const line = waiting.get(info);
    if (line?.logger !== logger) return undefined;
    waiting.delete(info);
    return line;
  }

  const undoPush = patchMethod(
    prototype,
    'push',
    (original) =>
      function push(this: WinstonLogger, ...args: unknown[]): unknown {
        const line = formatting;
        if (line === undefined || line.logger !== this) return Reflect.apply(original, this, args);
        formatting = undefined;
        const formatted = args[0];
        // A format that returns false drops the line.
        if (typeof formatted === 'object' && formatted !== null) taps[0]?.finish(line, formatted);
        return whilePrinting(() => Reflect.apply(original, this, args));
      },
  );

  return restoreAll(prototype, ['write', '_transform', 'push'], [undoWrite, undoTransform, undoPush]);
}

/** Whether the logger, or any of its transports, prints lines of this level. */
export function printsLevel(logger: WinstonLogger, level: string): boolean {
  if (logger.silent === true) return false;
  if (typeof logger.isLevelEnabled === 'function') return logger.isLevelEnabled(level);
  // winston before 3.1 has no isLevelEnabled.
  const { transports = [] } = logger;
  if (transports.length === 0) return takesLevel(logger, logger.level, level);
  return transports.some((transport) => takesLevel(logger, transport.level ?? logger.level, level));
}

/** Whether a threshold lets a level through; both are names of the logger's levels, lower numbers being more severe. */
export function takesLevel(logger: WinstonLogger, threshold: string | undefined, level: string): boolean {
  const { levels = {} } = logger;
  const given = levels[level];
  const limit = threshold === undefined ? undefined : levels[threshold];
  return given !== undefined && limit !== undefined && limit >= given;
}
