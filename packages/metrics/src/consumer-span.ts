import type { Attributes } from '@opentelemetry/api';

/** True for the attributes of a span that processes a message, in the current or the older convention. */
export function isProcessing(attributes: Attributes): boolean {
  return attributes['messaging.operation.type'] === 'process' || attributes['messaging.operation'] === 'process';
}
