import { type DropSignal, recordDropped, reportOnce } from '@taskspan/core/hub';

/** Counts an item that cannot be formatted, because a getter of the application throws. */
export function refuse(signal: DropSignal, error: unknown): void {
  reportOnce('delivery unformattable', `something of the ${signal} cannot be sent: ${String(error)}`);
  recordDropped(signal, 'refused');
}
