import {
  createNoopMeter,
  type Histogram,
  type MeterProvider,
  type MetricOptions,
  type Observable,
  ROOT_CONTEXT,
  ValueType,
} from '@opentelemetry/api';
import { SCOPE } from '@taskspan/core';
import { recordDropped, reportOnce } from '@taskspan/core/hub';
import { METRICS, type MetricSpec, metricName } from './metrics-table.ts';
import type { Series } from './sample-queue.ts';

/** The instruments of the table on one meter provider. */
export interface Instruments {
  readonly running: Observable;
  readonly started: Observable;
  readonly total: Observable;
  readonly oldestRunning: Observable;
  readonly lastSuccess: Observable;
  readonly missed: Observable;
  readonly overflow: Observable;
  readonly dropped: Observable;
  readonly spoolBytes: Observable;
  readonly spoolOldest: Observable;
  readonly lastExport: Observable;
  readonly logFiles: Observable;
  readonly logBytes: Observable;
  readonly record: (series: Series, value: number) => void;
}

/** Takes one value of one series while a reader collects. */
export type Observe = (instrument: Observable, value: number, attributes?: Series['attributes']) => void;

/** False for the provider that the API hands out before an SDK is registered, and for one that is shut down. */
export function isRealMeterProvider(provider: MeterProvider): boolean {
  return provider.getMeter(SCOPE.name, SCOPE.version, { schemaUrl: SCOPE.schemaUrl }) !== createNoopMeter();
}

/**
 * Creates the instruments of the table, all observables read by one callback, so that one scrape sees one moment.
 *
 * @param observeAll called at each collection of each reader; must only read, since there may be several readers. May
 * return a promise, and then observes before it settles.
 */
export function createInstruments(
  provider: MeterProvider,
  namespace: string | undefined,
  observeAll: (observe: Observe, instruments: Instruments) => void | Promise<void>,
): Instruments {
  const meter = provider.getMeter(SCOPE.name, SCOPE.version, { schemaUrl: SCOPE.schemaUrl });
  const named = (spec: MetricSpec): string => metricName(spec, namespace);
  const record = histogramRecorder(
    meter.createHistogram(named(METRICS.duration), optionsOf(METRICS.duration)),
    meter.createHistogram(named(METRICS.wait), optionsOf(METRICS.wait)),
  );
  const counter = (spec: MetricSpec): Observable => meter.createObservableCounter(named(spec), optionsOf(spec));
  const gauge = (spec: MetricSpec): Observable => meter.createObservableGauge(named(spec), optionsOf(spec));
  const instruments: Instruments = {
    running: meter.createObservableUpDownCounter(named(METRICS.running), optionsOf(METRICS.running)),
    started: counter(METRICS.started),
    total: counter(METRICS.total),
    oldestRunning: gauge(METRICS.oldestRunning),
    lastSuccess: gauge(METRICS.lastSuccess),
    missed: counter(METRICS.missed),
    overflow: counter(METRICS.overflow),
    dropped: counter(METRICS.dropped),
    spoolBytes: gauge(METRICS.spoolBytes),
    spoolOldest: gauge(METRICS.spoolOldest),
    lastExport: gauge(METRICS.lastExport),
    logFiles: gauge(METRICS.logFiles),
    logBytes: gauge(METRICS.logBytes),
    record,
  };
  const { record: _, ...observables } = instruments;
  meter.addBatchObservableCallback(
    (result) =>
      observeAll((instrument, value, attributes) => result.observe(instrument, value, attributes), instruments),
    Object.values(observables),
  );
  return instruments;
}

function optionsOf(spec: MetricSpec): MetricOptions {
  return {
    description: spec.description,
    unit: spec.unit,
    valueType: spec.unit === 's' ? ValueType.DOUBLE : ValueType.INT,
    // For an SDK without our Views; a user's View outranks it.
    ...(spec.buckets && { advice: { explicitBucketBoundaries: [...spec.buckets] } }),
  };
}

function histogramRecorder(duration: Histogram, wait: Histogram): Instruments['record'] {
  return (series, value) => {
    try {
      // Samples are recorded after their task, so no context of theirs is left to look up.
      (series.metric === 'duration' ? duration : wait).record(value, series.attributes, ROOT_CONTEXT);
    } catch (error) {
      recordDropped('metrics', 'refused');
      reportOnce('metrics.record', `a histogram refused a sample: ${String(error)}`);
    }
  };
}
