import type {
  BatchObservableCallback,
  Counter,
  Gauge,
  Histogram,
  Meter,
  MeterOptions,
  MeterProvider,
  MetricOptions,
  Observable,
  ObservableCounter,
  ObservableGauge,
  ObservableUpDownCounter,
  UpDownCounter,
} from '@opentelemetry/api';
import type { Logger, LoggerOptions, LoggerProvider, LogRecord } from '@opentelemetry/api-logs';
import { once } from './once.ts';

/**
 * A meter provider that loads the metrics SDK when somebody creates an instrument. Every instrumentation asks for a
 * meter, and few use it: an application without metrics never pays for them.
 */
export class LazyMeterProvider implements MeterProvider {
  /** The provider behind, loaded now if it was not. */
  readonly load: () => MeterProvider;

  constructor(load: () => MeterProvider) {
    this.load = once(load);
  }

  getMeter(name: string, version?: string, options?: MeterOptions): Meter {
    return new LazyMeter(once(() => this.load().getMeter(name, version, options)));
  }
}

class LazyMeter implements Meter {
  readonly #real: () => Meter;

  constructor(real: () => Meter) {
    this.#real = real;
  }

  createGauge(name: string, options?: MetricOptions): Gauge {
    return this.#real().createGauge(name, options);
  }

  createHistogram(name: string, options?: MetricOptions): Histogram {
    return this.#real().createHistogram(name, options);
  }

  createCounter(name: string, options?: MetricOptions): Counter {
    return this.#real().createCounter(name, options);
  }

  createUpDownCounter(name: string, options?: MetricOptions): UpDownCounter {
    return this.#real().createUpDownCounter(name, options);
  }

  createObservableGauge(name: string, options?: MetricOptions): ObservableGauge {
    return this.#real().createObservableGauge(name, options);
  }

  createObservableCounter(name: string, options?: MetricOptions): ObservableCounter {
    return this.#real().createObservableCounter(name, options);
  }

  createObservableUpDownCounter(name: string, options?: MetricOptions): ObservableUpDownCounter {
    return this.#real().createObservableUpDownCounter(name, options);
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#real().addBatchObservableCallback(callback, observables);
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#real().removeBatchObservableCallback(callback, observables);
  }
}

/** A logger provider that loads the logs SDK with the first record that somebody emits. */
export class LazyLoggerProvider implements LoggerProvider {
  readonly #load: () => LoggerProvider;

  constructor(load: () => LoggerProvider) {
    this.#load = once(load);
  }

  getLogger(name: string, version?: string, options?: LoggerOptions): Logger {
    const real = once(() => this.#load().getLogger(name, version, options));
    return {
      emit: (record: LogRecord): void => real().emit(record),
      enabled: (details): boolean => real().enabled(details),
    };
  }
}
