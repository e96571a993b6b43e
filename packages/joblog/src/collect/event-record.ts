import { EVENT, type EventName } from '@taskspan/core';
import type { RecordContent } from '@taskspan/core/hub';
import type { ContentOfRecord } from '../entry/entry-content.ts';

const NAMES: ReadonlyMap<string, EventName> = new Map(Object.values(EVENT).map((name) => [name, name]));

/** What the owner of a run says, as it is given to the sinks. */
export function eventRecord({ eventName, severityNumber, body, attributes }: ContentOfRecord): RecordContent {
  return { eventName: NAMES.get(eventName), severity: severityNumber, body: body ?? undefined, attributes };
}
