import assert from 'node:assert/strict';
import type { JobLogTree } from './job-log-tree.ts';

/** What arrived of a number of runs with as many records each. */
export interface DeliveredRuns {
  /** Records that came more than once: at-least-once delivery may repeat what was not acknowledged. */
  readonly doubledRecords: number;
  readonly doubledSpans: number;
  /** Runs whose records do not stand in the order in which they were made: requests may overtake each other. */
  readonly unorderedRuns: number;
}

/** Throws unless the tree has every record (by run and `task.sequence`) and the span of each run. */
export function assertDelivered(
  tree: JobLogTree,
  { runs, records }: { readonly runs: number; readonly records: number },
): DeliveredRuns {
  assert.deepEqual(tree.broken, []);
  const sequences = tree.sequences();
  assert.equal(sequences.size, runs, 'runs');
  let doubledRecords = 0;
  let unorderedRuns = 0;
  for (const [run, numbers] of sequences) {
    const first = [...new Set(numbers)];
    doubledRecords += numbers.length - first.length;
    const ordered = [...first].sort((one, other) => one - other);
    if (first.some((number, at) => number !== ordered[at])) unorderedRuns += 1;
    assert.deepEqual(
      ordered,
      Array.from({ length: records }, (_, at) => at + 1),
      `${run} has each record`,
    );
  }
  const spans = tree.spans.map(({ spanId }) => spanId);
  const distinct = new Set(spans).size;
  assert.equal(distinct, runs, 'spans');
  return { doubledRecords, doubledSpans: spans.length - distinct, unorderedRuns };
}
