import { recordDropped, reportOnce } from '@taskspan/core/hub';
import { type AppendBatch, appendsOf } from './append-batch.ts';
import { countItems } from './count-items.ts';

/** Why lines are not in their file: the disk refused them, or there was no room left for them to wait. */
export type LossReason = 'disk' | 'overflow';

/** Counts what lines hold that could not be written. */
export function countLost(lines: string, reason: LossReason): void {
  const { logs, spans } = countItems(lines);
  if (reason === 'overflow')
    reportOnce('joblog.overflow', 'job logs come faster than the disk takes them; some are dropped and counted');
  if (logs > 0) recordDropped('logs', reason, logs);
  if (spans > 0) recordDropped('spans', reason, spans);
}

/** Counts what a batch holds, from its `skip`th append on. */
export function countLostBatch(batch: AppendBatch, skip: number, reason: LossReason): void {
  for (const { lines } of appendsOf(batch, skip)) countLost(lines.toString(), reason);
}
