import type { Attributes } from '@opentelemetry/api';
import { bucketOf, type HistogramCell } from './histogram-cell.ts';

/** Samples kept as they are (16 bytes each); above it they are handed on at once, so that memory stays bounded. */
export const QUEUE_LIMIT = 50_000;

/** One series of one histogram, with its attributes built once. */
export interface Series {
  readonly metric: 'duration' | 'wait';
  readonly attributes: Attributes;
  readonly bounds: readonly number[];
  /** All of its samples, recorded or not. */
  readonly cell: HistogramCell;
  /** Samples that found no instrument to go to, condensed; undefined when there are none. */
  backlog: Backlog | undefined;
}

/** Samples of one series as (value, count) pairs: `count` samples had `value`, or had it as their mean within a bucket. */
export interface WeightedSamples {
  readonly series: Series;
  readonly values: number[];
  readonly counts: number[];
}

interface Bucket {
  count: number;
  sum: number;
  min: number;
  max: number;
}

/**
 * A histogram's samples, condensed per bucket. What comes out again has the same count, sum, minimum, maximum and
 * bucket counts as what went in.
 */
class Backlog {
  readonly #bounds: readonly number[];
  readonly #buckets: (Bucket | undefined)[] = [];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  add(value: number, count: number): void {
    const index = bucketOf(value, this.#bounds);
    const bucket = this.#buckets[index];
    if (bucket === undefined) {
      this.#buckets[index] = { count, sum: value * count, min: value, max: value };
      return;
    }
    bucket.count += count;
    bucket.sum += value * count;
    if (value < bucket.min) bucket.min = value;
    if (value > bucket.max) bucket.max = value;
  }

  /** Hands over each bucket as its extremes and the mean of the rest. */
  drainInto(values: number[], counts: number[]): void {
    for (const bucket of this.#buckets) {
      if (bucket === undefined) continue;
      const { count, sum, min, max } = bucket;
      values.push(min);
      counts.push(1);
      if (count > 1) {
        values.push(max);
        counts.push(1);
      }
      if (count > 2) {
        // Rounding may carry the mean a hair beyond the extremes, and so into another bucket.
        values.push(Math.min(max, Math.max(min, (sum - min - max) / (count - 2))));
        counts.push(count - 2);
      }
    }
    this.#buckets.length = 0;
  }
}

/**
 * Histogram samples on their way from the end of a task to an instrument. Adding one is two array writes; recording
 * one in an OTel histogram costs fifty times that, and so happens later.
 */
export class SampleQueue {
  readonly #series: Series[] = [];
  readonly #values: number[] = [];
  readonly #condensed = new Set<Series>();

  /** Samples that wait as they are. */
  get length(): number {
    return this.#values.length;
  }

  /** True when samples wait in condensed form. */
  get hasBacklog(): boolean {
    return this.#condensed.size > 0;
  }

  /** @returns true when the queue is full and must be drained or condensed now */
  push(series: Series, value: number): boolean {
    this.#series.push(series);
    return this.#values.push(value) >= QUEUE_LIMIT;
  }

  /** Adds `count` samples of one value. */
  addWeighted(series: Series, value: number, count: number): void {
    if (series.backlog === undefined) series.backlog = new Backlog(series.bounds);
    series.backlog.add(value, count);
    this.#condensed.add(series);
  }

  /** Hands every waiting sample to `record`, in order, and forgets it. */
  drain(record: (series: Series, value: number) => void): void {
    for (let i = 0; i < this.#values.length; i++) record(this.#series[i] as Series, this.#values[i] as number);
    this.#forget();
  }

  /** Moves every waiting sample into the bounded backlog of its series. */
  condense(): void {
    this.drain((series, value) => this.addWeighted(series, value, 1));
  }

  /** Takes the backlog out. */
  takeBacklog(): WeightedSamples[] {
    const taken: WeightedSamples[] = [];
    for (const series of this.#condensed) {
      const samples: WeightedSamples = { series, values: [], counts: [] };
      series.backlog?.drainInto(samples.values, samples.counts);
      series.backlog = undefined;
      taken.push(samples);
    }
    this.#condensed.clear();
    return taken;
  }

  /** Takes everything out, samples as they are with a count of 1. */
  takeAll(): WeightedSamples[] {
    const taken = this.takeBacklog();
    const bySeries = new Map(taken.map((samples) => [samples.series, samples]));
    this.drain((series, value) => {
      let samples = bySeries.get(series);
      if (samples === undefined) {
        samples = { series, values: [], counts: [] };
        bySeries.set(series, samples);
        taken.push(samples);
      }
      samples.values.push(value);
      samples.counts.push(1);
    });
    return taken;
  }

  #forget(): void {
    this.#series.length = 0;
    this.#values.length = 0;
  }
}
