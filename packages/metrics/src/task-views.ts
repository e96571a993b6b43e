import type { Attributes } from '@opentelemetry/api';
import type { AggregationType, IAttributesProcessor, InstrumentType, ViewOptions } from '@opentelemetry/sdk-metrics';
import { SCOPE } from '@taskspan/core';
import { CARDINALITY_LIMIT, METRICS, type MetricKind, type MetricSpec, metricName } from './metrics-table.ts';

export interface TaskViewsOptions {
  /** The namespace that `TaskMetrics` has. */
  readonly namespace?: string | undefined;
  /** The Views of the application: where one of them selects a metric of ours, ours steps aside. */
  readonly userViews?: readonly ViewOptions[] | undefined;
}

/** `AggregationType.EXPLICIT_BUCKET_HISTOGRAM`, without loading the metrics SDK for one number; a test compares them. */
const EXPLICIT_BUCKETS = 4 as AggregationType.EXPLICIT_BUCKET_HISTOGRAM;

/** `InstrumentType` of each kind, likewise. */
const INSTRUMENT_TYPES: Readonly<Record<MetricKind, `${InstrumentType}`>> = {
  histogram: 'HISTOGRAM',
  'observable-counter': 'OBSERVABLE_COUNTER',
  'observable-gauge': 'OBSERVABLE_GAUGE',
  'observable-up-down-counter': 'OBSERVABLE_UP_DOWN_COUNTER',
};

/**
 * The Views for the metrics of this package: a cardinality limit that holds the operation budget, buckets, label sets.
 * Two Views that select one instrument count everything twice, so pass the application's own:
 * `views: [...mine, ...taskViews({ userViews: mine })]`.
 */
export function taskViews(options: TaskViewsOptions = {}): ViewOptions[] {
  const taken = selectedNames(options.userViews ?? [], options.namespace);
  return Object.values(METRICS)
    .map((spec): [MetricSpec, string] => [spec, metricName(spec, options.namespace)])
    .filter(([, name]) => !taken.has(name))
    .map(([spec, name]) => viewOf(spec, name));
}

/** The exported names of our metrics that Views of the application select. */
export function selectedNames(userViews: readonly ViewOptions[], namespace: string | undefined): ReadonlySet<string> {
  const specs = Object.values(METRICS).map((spec): [MetricSpec, string] => [spec, metricName(spec, namespace)]);
  return new Set(
    specs.filter(([spec, name]) => userViews.some((view) => selects(view, spec, name))).map(([, name]) => name),
  );
}

function viewOf(spec: MetricSpec, name: string): ViewOptions {
  const view: ViewOptions = {
    meterName: SCOPE.name,
    instrumentName: name,
    aggregationCardinalityLimit: CARDINALITY_LIMIT,
  };
  // Observables are left alone: a View that drops a label of theirs keeps the last value instead of the sum.
  if (spec.buckets === undefined) return view;
  return {
    ...view,
    aggregation: { type: EXPLICIT_BUCKETS, options: { boundaries: [...spec.buckets] } },
    attributesProcessors: [onlyKeys(spec.labels)],
  };
}

function onlyKeys(keys: readonly string[]): IAttributesProcessor {
  return {
    process(incoming: Attributes): Attributes {
      const kept: Attributes = {};
      for (const key of keys) if (incoming[key] !== undefined) kept[key] = incoming[key];
      return kept;
    },
  };
}

/** The SDK's rule: every criterion that is given must hold. */
function selects(view: ViewOptions, spec: MetricSpec, name: string): boolean {
  return (
    (view.instrumentName === undefined || matchesPattern(view.instrumentName, name)) &&
    (view.instrumentType === undefined || view.instrumentType === INSTRUMENT_TYPES[spec.kind]) &&
    (view.instrumentUnit === undefined || view.instrumentUnit === spec.unit) &&
    (view.meterName === undefined || view.meterName === SCOPE.name) &&
    (view.meterVersion === undefined || view.meterVersion === SCOPE.version) &&
    (view.meterSchemaUrl === undefined || view.meterSchemaUrl === SCOPE.schemaUrl)
  );
}

/**
 * SDK 2.12 reads only the first `*` of a pattern as a wildcard, the rest as repetition of the character before. When
 * that reading or the obvious one matches, the View counts as selecting: without ours a metric has still its buckets,
 * with two it would count double.
 */
function matchesPattern(pattern: string, name: string): boolean {
  const escaped = pattern.replace(/[\^$\\.+?()[\]{}|]/g, '\\$&');
  return [escaped.replace('*', '.*'), escaped.replaceAll('*', '.*')].some((source) => isMatch(source, name));
}

function isMatch(source: string, name: string): boolean {
  try {
    return new RegExp(`^${source}$`).test(name);
  } catch {
    // `**`: the SDK itself refuses such a View.
    return false;
  }
}
