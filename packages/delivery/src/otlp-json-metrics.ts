import { ValueType } from '@opentelemetry/api';
import { type DataPoint, DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { attributesJson, doubleJson, encodeJson, type Json, resourceJson, scopeJson, timeJson } from './otlp-json.ts';

/** Bytes of an `ExportMetricsServiceRequest`, as `otlp-json.ts` does it for the other signals. */
export function encodeMetrics({ resource, scopeMetrics }: ResourceMetrics): Uint8Array {
  const scopes = scopeMetrics.map(({ scope, metrics }) => ({ ...scopeJson(scope), metrics: metrics.map(metricJson) }));
  return encodeJson({ resourceMetrics: [{ ...resourceJson(resource), scopeMetrics: scopes }] });
}

function metricJson(metric: MetricData): Json {
  const { name, description, unit } = metric.descriptor;
  return { name, description, unit, ...dataJson(metric) };
}

function dataJson(metric: MetricData): { readonly [key: string]: Json } {
  // OTLP has "unspecified" before delta and cumulative.
  const aggregationTemporality = metric.aggregationTemporality + 1;
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return { sum: { aggregationTemporality, isMonotonic: metric.isMonotonic, dataPoints: numbersJson(metric) } };
    case DataPointType.GAUGE:
      return { gauge: { dataPoints: numbersJson(metric) } };
    case DataPointType.HISTOGRAM:
      return {
        histogram: {
          aggregationTemporality,
          dataPoints: metric.dataPoints.map((point) => ({
            ...pointJson(point),
            ...summaryJson(point.value),
            bucketCounts: point.value.buckets.counts.map(String),
            explicitBounds: point.value.buckets.boundaries.map(doubleJson),
          })),
        },
      };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return {
        exponentialHistogram: {
          aggregationTemporality,
          dataPoints: metric.dataPoints.map((point) => ({
            ...pointJson(point),
            ...summaryJson(point.value),
            scale: point.value.scale,
            zeroCount: String(point.value.zeroCount),
            positive: bucketsJson(point.value.positive),
            negative: bucketsJson(point.value.negative),
          })),
        },
      };
  }
}

function numbersJson(metric: {
  readonly descriptor: { readonly valueType: ValueType };
  readonly dataPoints: DataPoint<number>[];
}): Json {
  const whole = metric.descriptor.valueType === ValueType.INT;
  return metric.dataPoints.map((point) => ({
    ...pointJson(point),
    ...(whole && Number.isInteger(point.value)
      ? { asInt: String(point.value) }
      : { asDouble: doubleJson(point.value) }),
  }));
}

function pointJson(point: DataPoint<unknown>): { readonly [key: string]: Json } {
  return {
    attributes: attributesJson(point.attributes),
    startTimeUnixNano: timeJson(point.startTime),
    timeUnixNano: timeJson(point.endTime),
  };
}

function summaryJson(value: { count: number; sum?: number; min?: number; max?: number }): {
  readonly [key: string]: Json;
} {
  const double = (given: number | undefined): Json => (given === undefined ? undefined : doubleJson(given));
  return { count: String(value.count), sum: double(value.sum), min: double(value.min), max: double(value.max) };
}

function bucketsJson(buckets: { offset: number; bucketCounts: number[] }): Json {
  return { offset: buckets.offset, bucketCounts: buckets.bucketCounts.map(String) };
}
