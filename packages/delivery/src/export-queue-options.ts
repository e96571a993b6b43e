import type { DropSignal } from '@taskspan/core/hub';
import type { Outlet } from './export-batch.ts';
import type { LazySpool } from './spool/lazy-spool.ts';

export interface ExportQueueOptions<T> {
  readonly signal: DropSignal;
  readonly outlet: Outlet<T>;
  /** Bytes that an item takes, roughly; called once per item, on the caller's path. */
  readonly sizeOf: (item: T) => number;
  /** Where requests go that cannot be delivered now; undefined: they wait in memory. */
  readonly spool?: LazySpool | undefined;
  /** Longest wait of an item before it is sent, in milliseconds. Default 1000. */
  readonly delayMs?: number | undefined;
  /** Bound of all that waits or is in flight in memory, in bytes. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** Items in one request. Default 512. */
  readonly batchItems?: number | undefined;
  /** Wait after the first failure in a row, in milliseconds; doubled by each further one. Default 1000. */
  readonly backoffMs?: number | undefined;
}

type QueueLimit =
  | 'delayMs'
  | 'maxBytes'
  | 'batchItems'
  | 'longestAskedMs'
  | 'batchBytes'
  | 'spillPart'
  | 'lateMs'
  | 'flushTimeoutMs'
  | 'shutdownTimeoutMs';

/** Every limit of the queue with its reason. */
export const QUEUE_LIMITS: Readonly<Record<QueueLimit, number>> = {
  delayMs: 1000,
  maxBytes: 64 * 1024 * 1024,
  batchItems: 512,
  /** No wait between two attempts is longer, whatever the receiver asks for: data must not rot in memory. */
  longestAskedMs: 30_000,
  /** A batch is closed at this estimate too: the Collector refuses bodies above 20 MiB. */
  batchBytes: 4 * 1024 * 1024,
  /** Above this part of the bound, what a slow receiver lets wait goes to disk. */
  spillPart: 0.5,
  /** An answer that takes longer is late: what waits for it and behind it goes to disk, where `kill -9` cannot take it. */
  lateMs: 1000,
  flushTimeoutMs: 10_000,
  shutdownTimeoutMs: 3000,
};
