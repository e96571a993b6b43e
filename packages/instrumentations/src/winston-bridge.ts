import { context } from '@opentelemetry/api';
import {
  InstrumentationBase,
  InstrumentationNodeModuleDefinition,
  InstrumentationNodeModuleFile,
} from '@opentelemetry/instrumentation';
import { SCOPE } from '@taskspan/core';
import { safely, wallMs } from '@taskspan/core/hub';
import type { BridgeConfig } from './bridge-config.ts';
import { emitLine, isWanted } from './captured-line.ts';
import { loadedFiles } from './loaded-files.ts';
import { positionalError, winstonLevel, winstonRecord } from './winston-line.ts';
import {
  printsLevel,
  takesLevel,
  tapWinston,
  untapWinston,
  type WinstonLine,
  type WinstonLogger,
  type WinstonTap,
} from './winston-logger.ts';

const VERSIONS = ['>=3 <4'];
const LOGGER_FILE = 'winston/lib/winston/logger.js';

/** Name of the class with which an app sends its lines to OTel by itself. */
const OWN_TRANSPORT = 'OpenTelemetryTransportV3';

/**
 * Brings the lines of every winston 3 logger, created before or after, into the OTel logs API with the caller's
 * context, after the logger's own formats and below its levels. What winston prints, its transports and its listeners
 * stay as they are.
 */
export class WinstonBridge extends InstrumentationBase<BridgeConfig> {
  // Only declared: the base constructor calls init() and enable(), and a field initialiser would erase what they store.
  // `??=` in init(), because the base class may call it again.
  declare private prototypes: Set<object>;
  declare private tap: WinstonTap;

  constructor(config: BridgeConfig = {}) {
    super('@taskspan/winston', SCOPE.version, config);
  }

  protected override init(): InstrumentationNodeModuleDefinition[] {
    this.prototypes ??= new Set();
    this.tap ??= {
      begin: (logger, info) => this.begin(logger, info),
      finish: (line, formatted) => this.finish(line, formatted),
    };
    const patch = (exports: unknown): unknown => {
      this.patchLogger(exports);
      return exports;
    };
    // Unpatching is for all copies at once, in disable(): the base class remembers the last one only.
    const unpatch = (): void => {};
    // The entry file too: some module loaders give it to the hooks, but none of the files that it requires.
    const patchEntry = (exports: unknown): unknown => {
      const { Logger, default: whole } = exports as { Logger?: unknown; default?: { Logger?: unknown } };
      this.patchLogger(Logger ?? whole?.Logger);
      return exports;
    };
    const files = [new InstrumentationNodeModuleFile(LOGGER_FILE, VERSIONS, patch, unpatch)];
    return [new InstrumentationNodeModuleDefinition('winston', VERSIONS, patchEntry, unpatch, files)];
  }

  override enable(): void {
    super.enable();
    for (const exports of loadedFiles(LOGGER_FILE)) this.patchLogger(exports);
  }

  override disable(): void {
    super.disable();
    for (const prototype of this.prototypes) untapWinston(prototype, this.tap);
    this.prototypes.clear();
  }

  private patchLogger(Logger: unknown): void {
    const prototype = typeof Logger === 'function' ? (Logger.prototype as unknown) : undefined;
    // winston 2 keeps a logger.js at the same place, whose loggers are no streams.
    if (typeof prototype !== 'object' || prototype === null || !('_transform' in prototype)) return;
    safely('patching winston', () => {
      tapWinston(prototype, this.tap);
      this.prototypes.add(prototype);
    });
  }

  private begin(logger: WinstonLogger, info: unknown): WinstonLine | undefined {
    if (typeof info !== 'object' || info === null || !isWanted(this.logger, this.getConfig().scope)) return undefined;
    return safely('reading a winston line', () => {
      const level = winstonLevel(info);
      if (!printsLevel(logger, level) || sendsItself(logger, level)) return undefined;
      return { logger, info, level, error: positionalError(info), context: context.active(), timeMs: wallMs() };
    });
  }

  private finish(line: WinstonLine, formatted: object): void {
    emitLine(this.logger, () => winstonRecord(line, formatted), {
      severityText: line.level,
      body: '(unreadable log line)',
      timestamp: line.timeMs,
      context: line.context,
    });
  }
}

/** Whether the app has attached the official transport, which sends this line: ours would be the second one. */
function sendsItself(logger: WinstonLogger, level: string): boolean {
  for (const transport of logger.transports ?? []) {
    if (transport.constructor.name !== OWN_TRANSPORT) continue;
    if (takesLevel(logger, transport.level ?? logger.level, level)) return true;
  }
  return false;
}
