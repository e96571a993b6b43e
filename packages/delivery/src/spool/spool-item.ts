import type { DropSignal } from '@taskspan/core/hub';
import type { RequestBody } from '../send-result.ts';
import type { SpoolFileName } from './spool-names.ts';

/** One request that could not be delivered. */
export interface SpoolItem {
  readonly body: RequestBody;
  /** Number of its first item: the order within the signal. */
  readonly ordinal: number;
  /** Epoch milliseconds. */
  readonly createdMs: number;
  /** True for the last point of cumulative metrics; default false. */
  readonly last?: boolean;
}

/** How it is called on disk. */
export function describeItem(signal: DropSignal, item: SpoolItem): SpoolFileName {
  const { ordinal, createdMs, last = false, body } = item;
  const { items, format, gzip } = body;
  return { ordinal, createdMs, signal, last, items, format, gzip };
}
