import type { Post, RequestBody } from './send-result.ts';
import type { SpoolItem } from './spool/spool-item.ts';

/** How the items of one signal leave the process. */
export interface Outlet<T> {
  /** Resolves when the items can be encoded; undefined when they can be at once. */
  ready(items: readonly T[]): Promise<void> | undefined;
  /** One request; undefined when there is nothing to say. May throw: then the items are counted as refused. */
  encode(items: readonly T[]): RequestBody | undefined;
  readonly post: Post;
  /** Who is at the other end, alike for all signals that one receiver takes; undefined when that is not known. */
  readonly receiver?: string | undefined;
}

/** Items that leave in one request. */
export interface Batch<T> {
  readonly items: T[];
  /** Estimated. */
  bytes: number;
  /** Number of its first item among all of its signal in this process; set when it is closed, as is the time. */
  ordinal: number;
  /** Epoch milliseconds. */
  createdMs: number;
  /** `accepted`: the receiver has said yes. `spooling`: it is the spool's. */
  state: 'waiting' | 'accepted' | 'spooling';
}

/** One that begins to fill. */
export function emptyBatch<T>(): Batch<T> {
  return { items: [], bytes: 0, ordinal: 0, createdMs: 0, state: 'waiting' };
}

/** Two in the place of one; the caller makes sure that it has two items. */
export function halves<T>({ items, bytes, ordinal, createdMs }: Batch<T>): readonly Batch<T>[] {
  const half = Math.ceil(items.length / 2);
  return [items.slice(0, half), items.slice(half)].map((part, at) => {
    return { items: part, bytes: bytes / 2, ordinal: ordinal + at * half, createdMs, state: 'waiting' };
  });
}

/** As it lies in the spool. */
export function spoolItem({ ordinal, createdMs }: Batch<unknown>, body: RequestBody): SpoolItem {
  return { ordinal, createdMs, body };
}
