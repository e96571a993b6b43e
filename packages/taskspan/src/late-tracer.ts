/**
 * Tracers that can change sides. What the API hands out before any SDK is registered follows the SDK that comes later;
 * what it hands out while we are registered must do so too, or the spans of every module that asked for its tracer
 * early would stay with us for ever.
 */
import type { Context, Span, SpanOptions, Tracer, TracerOptions, TracerProvider } from '@opentelemetry/api';

/** A provider whose tracers work for `target` until they are told to work for another. */
export class LateTracerProvider {
  /** For the global slot. All but `getTracer` is the target's own: `forceFlush`, `shutdown` and what else it has. */
  readonly provider: TracerProvider;
  #target: TracerProvider;

  constructor(target: TracerProvider) {
    this.#target = target;
    const getTracer = (name: string, version?: string, options?: TracerOptions): Tracer =>
      new LateTracer(() => this.#target, { name, version, options });
    this.provider = new Proxy(target, {
      get: (from, key) => {
        if (key === 'getTracer') return getTracer;
        const value: unknown = Reflect.get(from, key);
        return typeof value === 'function' ? value.bind(from) : value;
      },
    });
  }

  /** From now on all tracers, also those handed out before, work for this provider. */
  switchTo(target: TracerProvider): void {
    this.#target = target;
  }
}

interface Identity {
  readonly name: string;
  readonly version: string | undefined;
  readonly options: TracerOptions | undefined;
}

class LateTracer implements Tracer {
  readonly #target: () => TracerProvider;
  readonly #identity: Identity;
  #from: TracerProvider | undefined;
  #tracer: Tracer | undefined;

  constructor(target: () => TracerProvider, identity: Identity) {
    this.#target = target;
    this.#identity = identity;
  }

  startSpan(name: string, options?: SpanOptions, context?: Context): Span {
    return this.#current().startSpan(name, options, context);
  }

  startActiveSpan<F extends (span: Span) => ReturnType<F>>(name: string, ...rest: unknown[]): ReturnType<F> {
    const tracer = this.#current();
    return Reflect.apply(tracer.startActiveSpan, tracer, [name, ...rest]) as ReturnType<F>;
  }

  #current(): Tracer {
    const target = this.#target();
    if (this.#tracer !== undefined && this.#from === target) return this.#tracer;
    const { name, version, options } = this.#identity;
    const tracer = target.getTracer(name, version, options);
    this.#from = target;
    this.#tracer = tracer;
    return tracer;
  }
}
