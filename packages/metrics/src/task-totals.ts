/**
 * All numbers of this package as the metrics SDK would give them to an exporter, made without it and without waiting:
 * for the end of a process, where the SDK's own collection, which is asynchronous, runs no more.
 */
import { type Attributes, type HrTime, type Observable, ValueType } from '@opentelemetry/api';
import type {
  AggregationTemporality,
  DataPoint,
  DataPointType,
  Histogram,
  MetricData,
  ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import { SCOPE } from '@taskspan/core';
import type { Instruments } from './instruments.ts';
import type { MetricsState } from './metrics-state.ts';
import { METRICS, type MetricKey, type MetricSpec, metricName } from './metrics-table.ts';
import type { Series } from './sample-queue.ts';

/** Numbers of the SDK's enums, without loading it for them; a test compares what is made with what the SDK makes. */
const CUMULATIVE = 1 as AggregationTemporality.CUMULATIVE;
const HISTOGRAM = 0 as DataPointType.HISTOGRAM;
const GAUGE = 2 as DataPointType.GAUGE;
const SUM = 3 as DataPointType.SUM;

export interface TaskTotalsOptions {
  /** Goes before the names of the `async_*` metrics, with `_` between. */
  readonly namespace: string | undefined;
  /** When counting began, in epoch milliseconds. */
  readonly startMs: number;
  /** Exported names that are left out: the application's own Views have shaped them. */
  readonly without: ReadonlySet<string>;
}

/** Takes the place of an instrument while the state is read. */
class Gathered implements Observable {
  readonly values: { readonly value: number; readonly attributes: Attributes }[] = [];

  addCallback(): void {
    // Nobody collects from it.
  }

  removeCallback(): void {
    // Nobody collects from it.
  }
}

/** Cumulative points of all metrics that have any. */
export function taskTotals(state: MetricsState, options: TaskTotalsOptions): ScopeMetrics {
  const [startTime, endTime] = [hrTimeOf(options.startMs), hrTimeOf(Date.now())];
  const observables = Object.fromEntries(
    Object.entries(METRICS)
      .filter(([, spec]) => spec.kind !== 'histogram')
      .map(([key]) => [key, new Gathered()]),
  ) as Record<Exclude<MetricKey, 'duration' | 'wait'>, Gathered>;
  const instruments: Instruments = { ...observables, record: () => {} };
  state.observe((to, value, attributes = {}) => (to as Gathered).values.push({ value, attributes }), instruments);
  const series = [...state.operations.all()];
  const histograms: Record<'duration' | 'wait', Series[]> = {
    duration: series.flatMap(({ durations }) => durations),
    wait: series.map(({ wait }) => wait),
  };
  const points = <T>(list: readonly { readonly value: T; readonly attributes: Attributes }[]): DataPoint<T>[] =>
    list.map(({ value, attributes }) => ({ startTime, endTime, attributes, value }));
  const metrics = Object.entries(METRICS).flatMap(([key, spec]): MetricData[] => {
    const descriptor = {
      name: metricName(spec, options.namespace),
      description: spec.description,
      unit: spec.unit,
      valueType: spec.unit === 's' ? ValueType.DOUBLE : ValueType.INT,
    };
    if (options.without.has(descriptor.name)) return [];
    if (key === 'duration' || key === 'wait') {
      const dataPoints = points(histograms[key].flatMap(histogramOf));
      const data = { descriptor, aggregationTemporality: CUMULATIVE, dataPointType: HISTOGRAM, dataPoints } as const;
      return dataPoints.length === 0 ? [] : [{ ...data }];
    }
    const dataPoints = points(observables[key as keyof typeof observables].values);
    if (dataPoints.length === 0) return [];
    const shared = { descriptor, aggregationTemporality: CUMULATIVE, dataPoints };
    if (spec.kind === 'observable-gauge') return [{ ...shared, dataPointType: GAUGE }];
    return [{ ...shared, dataPointType: SUM, isMonotonic: isMonotonic(spec) }];
  });
  return { scope: { ...SCOPE }, metrics };
}

function isMonotonic(spec: MetricSpec): boolean {
  return spec.kind === 'observable-counter';
}

function histogramOf({ cell, attributes }: Series): { value: Histogram; attributes: Attributes }[] {
  if (cell.count === 0) return [];
  const { count, sum, min, max, counts, bounds } = cell;
  const buckets = { boundaries: [...bounds], counts: [...counts] };
  return [{ value: { buckets, sum, count, min, max }, attributes }];
}

function hrTimeOf(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  return [seconds, Math.floor((epochMs - seconds * 1000) * 1e6)];
}
