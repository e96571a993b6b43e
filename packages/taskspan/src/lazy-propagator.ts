import { createRequire } from 'node:module';
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import type { Config } from './config.ts';
import { once } from './once.ts';

const require = createRequire(import.meta.url);

/**
 * The propagators of this name, loaded with the first carrier or request that needs one.
 *
 * @returns undefined when there are none
 */
export function lazyPropagator(names: Config['propagators']): TextMapPropagator | undefined {
  if (!names.includes('tracecontext') && !names.includes('baggage')) return undefined;
  return new LazyPropagator(names);
}

class LazyPropagator implements TextMapPropagator {
  readonly #real: () => TextMapPropagator;

  constructor(names: Config['propagators']) {
    this.#real = once(() => load(names));
  }

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    this.#real().inject(context, carrier, setter);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    return this.#real().extract(context, carrier, getter);
  }

  fields(): string[] {
    return this.#real().fields();
  }
}

function load(names: Config['propagators']): TextMapPropagator {
  const sdk = require('@opentelemetry/core') as typeof import('@opentelemetry/core');
  const propagators: TextMapPropagator[] = [];
  if (names.includes('tracecontext')) propagators.push(new sdk.W3CTraceContextPropagator());
  if (names.includes('baggage')) propagators.push(new sdk.W3CBaggagePropagator());
  return new sdk.CompositePropagator({ propagators });
}
