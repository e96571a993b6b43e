import { ValueType } from '@opentelemetry/api';
import { type DataPoint, DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { attributesJson, doubleJson, Frames, hrNanos, OtlpBatch, textJson } from '@taskspan/core/hub';
import { encodeText } from './otlp-json.ts';

const frames = new Frames();

/** Bytes of an `ExportMetricsServiceRequest`; undefined when there are no metrics. */
export function encodeMetrics({ resource, scopeMetrics }: ResourceMetrics): Uint8Array | undefined {
  return encodeText(() => {
    const batch = new OtlpBatch('metrics');
    for (const { scope, metrics } of scopeMetrics) {
      for (const metric of metrics) batch.add(frames.of(resource, scope), metricJson(metric));
    }
    return batch.take();
  });
}

function metricJson(metric: MetricData): string {
  const { name, description, unit } = metric.descriptor;
  return (
    `{"name":${textJson(name)},` +
    (description === '' ? '' : `"description":${textJson(description)},`) +
    (unit === '' ? '' : `"unit":${textJson(unit)},`) +
    `${dataJson(metric)}}`
  );
}

function dataJson(metric: MetricData): string {
  // OTLP has "unspecified" before delta and cumulative.
  const temporality = `"aggregationTemporality":${metric.aggregationTemporality + 1}`;
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return `"sum":{${numbersJson(metric)},${temporality},"isMonotonic":${metric.isMonotonic}}`;
    case DataPointType.GAUGE:
      return `"gauge":{${numbersJson(metric)}}`;
    case DataPointType.HISTOGRAM: {
      const points = metric.dataPoints.map(
        ({ value, ...point }) =>
          `{${pointJson(point)},${summaryJson(value)},"bucketCounts":${countsJson(value.buckets.counts)},` +
          `"explicitBounds":[${value.buckets.boundaries.map(doubleJson).join(',')}]}`,
      );
      return `"histogram":{"dataPoints":[${points.join(',')}],${temporality}}`;
    }
    case DataPointType.EXPONENTIAL_HISTOGRAM: {
      const points = metric.dataPoints.map(
        ({ value, ...point }) =>
          `{${pointJson(point)},${summaryJson(value)},"scale":${value.scale},"zeroCount":"${value.zeroCount}",` +
          `"positive":${bucketsJson(value.positive)},"negative":${bucketsJson(value.negative)}}`,
      );
      return `"exponentialHistogram":{"dataPoints":[${points.join(',')}],${temporality}}`;
    }
  }
}

function numbersJson(metric: {
  readonly descriptor: { readonly valueType: ValueType };
  readonly dataPoints: readonly DataPoint<number>[];
}): string {
  const isWhole = metric.descriptor.valueType === ValueType.INT;
  const points = metric.dataPoints.map(({ value, ...point }) => {
    // A whole number beyond 2^53 may be none of 64 bits.
    const number = isWhole && Number.isSafeInteger(value) ? `"asInt":"${value}"` : `"asDouble":${doubleJson(value)}`;
    return `{${pointJson(point)},${number}}`;
  });
  return `"dataPoints":[${points.join(',')}]`;
}

function pointJson({ attributes, startTime, endTime }: Omit<DataPoint<unknown>, 'value'>): string {
  const own = attributesJson(attributes);
  return (
    (own === '' ? '' : `"attributes":[${own}],`) +
    `"startTimeUnixNano":"${hrNanos(startTime)}","timeUnixNano":"${hrNanos(endTime)}"`
  );
}

function summaryJson(value: { count: number; sum?: number; min?: number; max?: number }): string {
  const double = (name: string, given: number | undefined): string =>
    given === undefined ? '' : `,"${name}":${doubleJson(given)}`;
  return `"count":"${value.count}"${double('sum', value.sum)}${double('min', value.min)}${double('max', value.max)}`;
}

function bucketsJson({ offset, bucketCounts }: { offset: number; bucketCounts: readonly number[] }): string {
  return `{"offset":${offset},"bucketCounts":${countsJson(bucketCounts)}}`;
}

function countsJson(counts: readonly number[]): string {
  return `[${counts.map((count) => `"${count}"`).join(',')}]`;
}
