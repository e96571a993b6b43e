import {
  type Context,
  ProxyTracerProvider,
  type Span,
  type SpanOptions,
  type Tracer,
  type TracerOptions,
  type TracerProvider,
} from '@opentelemetry/api';
import { SCOPE } from '@taskspan/core';
import { safely } from '@taskspan/core/hub';
import { once } from './once.ts';

/** What the SDK's provider has beside the public interface. */
export interface SdkTracerProvider extends TracerProvider {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * A tracer provider that loads the trace SDK when somebody starts a span. Every instrumentation asks for its tracer at
 * once; a process in which no span begins never pays for the SDK.
 */
export class LazyTracerProvider implements SdkTracerProvider {
  readonly #load: () => SdkTracerProvider | undefined;
  #loaded: SdkTracerProvider | undefined;

  constructor(load: () => SdkTracerProvider) {
    // Inside a call of the application: what cannot be loaded there must not become its failure.
    this.#load = once(() => safely('loading the trace SDK', load));
  }

  /** Loads the SDK now if it was not. */
  load(): SdkTracerProvider | undefined {
    this.#loaded = this.#load();
    return this.#loaded;
  }

  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    // Asked for by the first task, and before its clock starts: loading is no part of its duration.
    if (name === SCOPE.name) this.load();
    return new LazyTracer(once(() => (this.load() ?? new ProxyTracerProvider()).getTracer(name, version, options)));
  }

  /** Resolves when the processors have handed on what ended so far; without a span there is nothing. */
  async forceFlush(): Promise<void> {
    await this.#loaded?.forceFlush();
  }

  /** Shuts the processors down, also when no span was ever started. */
  async shutdown(): Promise<void> {
    await this.load()?.shutdown();
  }
}

class LazyTracer implements Tracer {
  readonly #real: () => Tracer;

  constructor(real: () => Tracer) {
    this.#real = real;
  }

  startSpan(name: string, options?: SpanOptions, context?: Context): Span {
    return this.#real().startSpan(name, options, context);
  }

  startActiveSpan<F extends (span: Span) => ReturnType<F>>(name: string, ...rest: unknown[]): ReturnType<F> {
    const tracer = this.#real();
    return Reflect.apply(tracer.startActiveSpan, tracer, [name, ...rest]) as ReturnType<F>;
  }
}
