import type { DropSignal } from '@taskspan/core/hub';
import type { RequestBody } from '../send-result.ts';
import { jsonHalves } from './json-halves.ts';
import { protobufHalves } from './protobuf-halves.ts';

/**
 * Cuts an uncompressed request in two, each with about half of the items in their order.
 *
 * @returns undefined for what cannot be cut: a single item, or what is damaged
 */
export function halvesOf(body: RequestBody, signal: DropSignal): readonly [RequestBody, RequestBody] | undefined {
  return body.format === 'json' ? jsonHalves(body) : protobufHalves(body, signal === 'metrics');
}
