import { EventEmitter } from 'node:events';

type Listener = (...args: unknown[]) => void;
type Event = string | symbol;

const { listeners, rawListeners, listenerCount, eventNames } = EventEmitter.prototype;

/**
 * Hides listeners from whoever asks an emitter for its own: libraries add theirs only where there is none, or leave a
 * signal to others where there are some.
 *
 * @param hidden functions, as they were added; they are called as before
 * @returns what shows them again
 */
export function hideListeners(emitter: EventEmitter, hidden: ReadonlySet<unknown>): () => void {
  const seen = (all: readonly unknown[]): unknown[] => all.filter((listener) => !hidden.has(listener));
  const asking: Record<string, (event: Event, listener?: Listener) => unknown> = {
    listeners: (event) => seen(Reflect.apply(listeners, emitter, [event])),
    rawListeners: (event) => seen(Reflect.apply(rawListeners, emitter, [event])),
    listenerCount: (event, listener) =>
      typeof listener === 'function'
        ? Reflect.apply(listenerCount, emitter, [event, listener])
        : seen(Reflect.apply(listeners, emitter, [event])).length,
    eventNames: () =>
      Reflect.apply(eventNames, emitter, []).filter(
        (event) => seen(Reflect.apply(listeners, emitter, [event])).length > 0,
      ),
  };
  const target = emitter as unknown as Record<string, unknown>;
  // Somebody's own, which we would hide as well.
  const free = Object.entries(asking).filter(([name]) => !Object.hasOwn(target, name));
  for (const [name, value] of free) {
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
  }
  return () => {
    for (const [name, value] of free) if (target[name] === value) Reflect.deleteProperty(target, name);
  };
}

/** Whether it is there, hidden or not. */
export function hasListener(emitter: EventEmitter, event: Event, listener: unknown): boolean {
  return (Reflect.apply(listeners, emitter, [event]) as readonly unknown[]).includes(listener);
}
