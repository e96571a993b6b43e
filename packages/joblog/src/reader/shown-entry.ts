import { safely } from '@taskspan/core/hub';
import type { DecodedRecord } from '../decode.ts';
import { entryOf } from '../entry/entry-of.ts';
import type { JobLogEntry } from '../entry/job-log-entry.ts';

/** The entry of a record; undefined for one that nobody can show, such as values that are nested without end. */
export function shownEntry(record: DecodedRecord): JobLogEntry | undefined {
  return safely('showing a record of a job log', () => entryOf(record));
}

/** About how many characters it takes as JSON. */
export function entryChars({ log, metric, event, manifest, outputs }: JobLogEntry): number {
  let chars = 150 + textChars(outputs.map(({ str }) => str));
  if (log !== undefined) chars += log.message.length + fieldChars(log.fields);
  if (metric !== undefined) chars += metric.name.length + metric.unit.length + fieldChars(metric.labels);
  if (event !== undefined) chars += event.event_type.length + event.job_label.length + fieldChars(event.metadata);
  if (manifest !== undefined)
    chars += textChars([...manifest.outputs, ...manifest.inputs].map(({ str }) => str)) + fieldChars(manifest.metadata);
  return chars;
}

function fieldChars(fields: Readonly<Record<string, string>>): number {
  let chars = 0;
  for (const key in fields) chars += key.length + (fields[key]?.length ?? 0) + 6;
  return chars;
}

function textChars(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length + 12, 0);
}
