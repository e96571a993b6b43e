import type { Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  MetricReader,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';
import { CARDINALITY_LIMIT } from './metrics-table.ts';

/** What one reader saw: a number per metric and label set; for a histogram its count and sum. */
export class Collected {
  readonly metrics: Map<string, MetricData> = new Map();

  constructor(resourceMetrics: ResourceMetrics) {
    for (const scope of resourceMetrics.scopeMetrics) {
      for (const metric of scope.metrics) {
        if (this.metrics.has(metric.descriptor.name)) throw new Error(`${metric.descriptor.name} is there twice`);
        this.metrics.set(metric.descriptor.name, metric);
      }
    }
  }

  value(name: string, labels: Attributes = {}): number | undefined {
    const point = this.#point(name, labels);
    return typeof point === 'number' || point === undefined ? point : point.count;
  }

  histogram(name: string, labels: Attributes = {}): Histogram {
    const point = this.#point(name, labels);
    if (typeof point !== 'object') throw new Error(`no histogram ${name} ${JSON.stringify(labels)}`);
    return point;
  }

  /** Sum over all series of a metric; of a histogram the sum of counts. */
  sum(name: string, where: (labels: Attributes) => boolean = () => true): number {
    let sum = 0;
    for (const point of this.points(name)) {
      if (where(point.attributes)) sum += typeof point.value === 'number' ? point.value : point.value.count;
    }
    return sum;
  }

  points(name: string): { attributes: Attributes; value: number | Histogram }[] {
    const metric = this.metrics.get(name);
    if (metric === undefined) return [];
    if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) throw new Error('not expected');
    return [...metric.dataPoints];
  }

  #point(name: string, labels: Attributes): number | Histogram | undefined {
    return this.points(name).find((point) => keyOf(point.attributes) === keyOf(labels))?.value;
  }
}

function keyOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

class PullReader extends MetricReader {
  override selectCardinalityLimit(): number {
    return CARDINALITY_LIMIT;
  }
  override async onForceFlush(): Promise<void> {}
  override async onShutdown(): Promise<void> {}
}

/** A meter provider with a pull reader and two pushing ones, cumulative and delta. */
export class ThreeReaders {
  readonly provider: MeterProvider;
  readonly #pull = new PullReader();
  readonly #cumulative = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #delta = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  readonly #cumulativeReader: PeriodicExportingMetricReader;
  readonly #deltaReader: PeriodicExportingMetricReader;

  constructor(views: ViewOptions[] = []) {
    const periodic = (exporter: InMemoryMetricExporter): PeriodicExportingMetricReader =>
      new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: 3_600_000,
        cardinalityLimits: { default: CARDINALITY_LIMIT },
      });
    this.#cumulativeReader = periodic(this.#cumulative);
    this.#deltaReader = periodic(this.#delta);
    this.provider = new MeterProvider({ views, readers: [this.#pull, this.#cumulativeReader, this.#deltaReader] });
  }

  async pull(): Promise<Collected> {
    const { resourceMetrics, errors } = await this.#pull.collect();
    if (errors.length > 0) throw errors[0];
    return new Collected(resourceMetrics);
  }

  async pushed(): Promise<Collected> {
    await this.#cumulativeReader.forceFlush();
    const all = this.#cumulative.getMetrics();
    return new Collected(all[all.length - 1] as ResourceMetrics);
  }

  /** Every delta export so far, this one included. */
  async deltas(): Promise<Collected[]> {
    await this.#deltaReader.forceFlush();
    return this.#delta.getMetrics().map((metrics) => new Collected(metrics));
  }

  async close(): Promise<void> {
    await this.provider.shutdown();
  }
}
