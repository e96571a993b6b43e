import type { MetricCells } from './metric-cells.ts';
import type { RunBook } from './run-book.ts';
import type { TextHash } from './text-hash.ts';
import type { TreeReading } from './tree-reading.ts';

/** All that was counted, and how far which files were read for that: kept together, or not at all. */
export interface Counted {
  readonly cells: MetricCells;
  readonly book: RunBook;
  readonly trees: readonly TreeReading[];
  /** Of the texts that are remembered as numbers. */
  readonly hash: TextHash;
}
