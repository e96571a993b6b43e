/**
 * How lines of pino 9.10 and later are heard: it publishes each on a diagnostics channel, also from loggers made before
 * and from bundles. Apart from the bridge, and without its base class, so that listening costs a start nothing.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { attachTap, detachTap, firstTap } from './tap.ts';

const LINE_CHANNEL = 'tracing:pino_asJson:end';

/** Names the patches of pino, on the channel (then of `globalThis`) and on prototypes. */
export const PINO_KEY: symbol = Symbol.for('taskspan.pino.v1');

/** Takes every line that pino makes. Must not throw. */
export type PinoTap = (instance: object, args: ArrayLike<unknown>, json: unknown) => void;

/** Adds a listener to the channel; the first of all hears the lines. */
export function attachToChannel(tap: PinoTap): void {
  attachTap(globalThis, PINO_KEY, { tap, install: listenToChannel });
}

function listenToChannel(taps: readonly PinoTap[]): () => boolean {
  const listener = (message: unknown): void => {
    const { instance, arguments: args, result } = message as Readonly<Record<string, unknown>>;
    if (typeof instance !== 'object' || instance === null) return;
    taps[0]?.(instance, (args ?? []) as ArrayLike<unknown>, result);
  };
  subscribe(LINE_CHANNEL, listener);
  return () => unsubscribe(LINE_CHANNEL, listener);
}

/**
 * Waits for the first line of any pino, then calls `attach`, which is to make a bridge, and hands the line to it.
 *
 * @param attach must not throw
 * @returns a function that stops waiting
 */
export function awaitPinoLine(attach: () => void): () => void {
  const wait: PinoTap = (...line) => {
    attach();
    stop();
    firstTap<PinoTap>(globalThis, PINO_KEY)?.(...line);
  };
  const stop = (): void => detachTap(globalThis, PINO_KEY, wait);
  attachToChannel(wait);
  return stop;
}
