import {
  InstrumentationBase,
  InstrumentationNodeModuleDefinition,
  InstrumentationNodeModuleFile,
} from '@opentelemetry/instrumentation';
import { SCOPE } from '@taskspan/core';
import { safely } from '@taskspan/core/hub';
import type { BridgeConfig } from './bridge-config.ts';
import { emitLine, isWanted } from './captured-line.ts';
import { loadedFiles } from './loaded-files.ts';
import { attachToChannel, PINO_KEY, type PinoTap } from './pino-channel.ts';
import { pinoRecord } from './pino-line.ts';
import { attachTap, detachTap, patchMethod } from './tap.ts';

const VERSIONS = ['>=7'];
const PROTO_FILE = 'pino/lib/proto.js';

/**
 * Brings the lines of every pino logger (7 and later) into the OTel logs API with the caller's context, as pino made
 * them: redacted, serialised, with the bindings of child loggers. What pino prints stays as it is.
 */
export class PinoBridge extends InstrumentationBase<BridgeConfig> {
  // Only declared: the base constructor calls init() and enable(), and a field initialiser would erase what they store.
  declare private targets: Set<object>;
  declare private tap: PinoTap;

  constructor(config: BridgeConfig = {}) {
    super('@taskspan/pino', SCOPE.version, config);
  }

  protected override init(): InstrumentationNodeModuleDefinition[] {
    this.targets ??= new Set();
    this.tap ??= (instance, args, json) => this.capture(instance, args, json);
    const patch = (exports: unknown): unknown => {
      this.patchPrototype(exports);
      return exports;
    };
    // Unpatching is for all copies at once, in disable(): the base class remembers the last one only.
    const files = [new InstrumentationNodeModuleFile(PROTO_FILE, VERSIONS, patch, () => {})];
    return [new InstrumentationNodeModuleDefinition('pino', VERSIONS, undefined, undefined, files)];
  }

  override enable(): void {
    super.enable();
    attachToChannel(this.tap);
    this.targets.add(globalThis);
    for (const exports of loadedFiles(PROTO_FILE)) this.patchPrototype(exports);
  }

  override disable(): void {
    super.disable();
    for (const target of this.targets) detachTap(target, PINO_KEY, this.tap);
    this.targets.clear();
  }

  /** Older pino says nothing on the channel: its `asJson` is patched where all its loggers inherit it from. */
  private patchPrototype(makeProto: unknown): void {
    if (typeof makeProto !== 'function') return;
    safely('patching pino', () => {
      const prototype = Object.getPrototypeOf(makeProto()) as Record<symbol, unknown>;
      const asJson = Object.getOwnPropertySymbols(prototype).find((symbol) => symbol.description === 'pino.asJson');
      if (asJson === undefined || (publishesLines(prototype[asJson]) && !Object.hasOwn(prototype, PINO_KEY))) return;
      attachTap(prototype, PINO_KEY, { tap: this.tap, install: (taps) => patchAsJson(prototype, asJson, taps) });
      this.targets.add(prototype);
    });
  }

  private capture(instance: object, args: ArrayLike<unknown>, json: unknown): void {
    if (typeof json !== 'string' || !isWanted(this.logger, this.getConfig().scope)) return;
    const line = { instance, level: Number(args[2]), time: args[3], json };
    emitLine(this.logger, () => pinoRecord(line), { body: json.trimEnd() });
  }
}

function publishesLines(asJson: unknown): boolean {
  return typeof asJson === 'function' && Function.prototype.toString.call(asJson).includes('hasSubscribers');
}

function patchAsJson(prototype: object, asJson: symbol, taps: readonly PinoTap[]): () => boolean {
  return patchMethod(
    prototype,
    asJson,
    (original) =>
      function capturedAsJson(this: object, ...args: unknown[]): unknown {
        const json: unknown = Reflect.apply(original, this, args);
        taps[0]?.(this, args, json);
        return json;
      },
  );
}
