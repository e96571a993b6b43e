/** What one series of a histogram has counted since the process began. Adding to it takes some 10 ns. */
export class HistogramCell {
  count = 0;
  sum = 0;
  min: number = Number.POSITIVE_INFINITY;
  max: number = Number.NEGATIVE_INFINITY;
  /** Samples per bucket, the one above all bounds last. */
  readonly counts: number[];
  readonly bounds: readonly number[];

  /** @param bounds upper bounds of the buckets, inclusive, ascending */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Adds `count` samples of one value. */
  add(value: number, count: number): void {
    const { counts } = this;
    const index = bucketOf(value, this.bounds);
    counts[index] = (counts[index] as number) + count;
    this.count += count;
    this.sum += value * count;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }
}

/** Index of the bucket that a value falls into; that above all bounds is the last. */
export function bucketOf(value: number, bounds: readonly number[]): number {
  let index = 0;
  while (index < bounds.length && value > (bounds[index] as number)) index++;
  return index;
}
