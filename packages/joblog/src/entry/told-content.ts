import { ATTR, EVENT } from '@taskspan/core';
import type { RecordContent } from '@taskspan/core/hub';
import { contentOf } from './entry-content.ts';
import type { ParsedEntry } from './entry-line.ts';

/**
 * The record of an entry that a program of a run told. Its time counts; its id and number are the run's affair. What
 * it calls like something of the run (`operation`, `task.status`, an event `ended`) stays its own word.
 */
export function toldContent(entry: ParsedEntry): RecordContent {
  const { eventName, severityNumber, body, attributes } = contentOf(entry, 'program');
  const outputs = entry.outputs.map(({ str }) => str);
  return {
    eventName: TOLD_EVENTS.find((name) => name === eventName),
    severity: severityNumber,
    body: body ?? undefined,
    attributes: outputs.length === 0 ? attributes : { ...attributes, [ATTR.TASK_OUTPUTS]: outputs },
    timeNanos: entry.timeNanos === undefined ? undefined : String(entry.timeNanos),
  };
}

/** What a program can tell besides log lines. */
const TOLD_EVENTS = [EVENT.METRIC, EVENT.CUSTOM, EVENT.MANIFEST] as const;
