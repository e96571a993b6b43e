import type { RecordContent } from '@taskspan/core/hub';
import { contentOf, LABEL_FIELD } from '../entry/entry-content.ts';
import type { JobManifest, OutputRef } from '../entry/job-log-entry.ts';
import { nanosText, parseNanosText, secondsNanos } from '../entry/nanos-text.ts';
import { eventRecord } from './event-record.ts';

/** What the owner of a run knows of it; what its processes say of the times and the label goes before it. */
export interface RunManifest {
  readonly outputs?: readonly string[] | undefined;
  readonly inputs?: readonly string[] | undefined;
  /** Unix seconds. */
  readonly startSeconds?: number | undefined;
  readonly endSeconds?: number | undefined;
  readonly label?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * What all manifests of a run say together: references in order of appearance, each once; the earliest start and the
 * latest end; the last word on each key of the metadata.
 */
export class PrintedManifest {
  readonly #outputs = new Set<string>();
  readonly #inputs = new Set<string>();
  readonly #metadata = new Map<string, string>();
  #startNanos: bigint | undefined;
  #endNanos: bigint | undefined;

  merge(manifest: JobManifest): void {
    for (const { str } of manifest.outputs) this.#outputs.add(str);
    for (const { str } of manifest.inputs) this.#inputs.add(str);
    for (const [key, value] of Object.entries(manifest.metadata)) this.#metadata.set(key, value);
    const start = parseNanosText(manifest.start_time);
    const end = parseNanosText(manifest.end_time);
    if (start !== undefined && (this.#startNanos === undefined || start < this.#startNanos)) this.#startNanos = start;
    if (end !== undefined && (this.#endNanos === undefined || end > this.#endNanos)) this.#endNanos = end;
  }

  /** The record of the manifest, for the end of the run. */
  content(run: RunManifest = {}): RecordContent {
    const label = run.label === undefined || run.label === '' ? {} : { [LABEL_FIELD]: run.label };
    const manifest: JobManifest = {
      outputs: refs(run.outputs, this.#outputs),
      inputs: refs(run.inputs, this.#inputs),
      start_time: instant(this.#startNanos, run.startSeconds),
      end_time: instant(this.#endNanos, run.endSeconds),
      metadata: { ...label, ...run.metadata, ...Object.fromEntries(this.#metadata) },
    };
    return eventRecord(contentOf({ manifest }));
  }
}

function refs(known: readonly string[] = [], told: ReadonlySet<string>): readonly OutputRef[] {
  return Array.from(new Set([...known, ...told]), (str) => ({ str }));
}

function instant(told: bigint | undefined, seconds: number | undefined): string {
  const nanos = told ?? (seconds === undefined ? undefined : secondsNanos(seconds));
  return nanos === undefined ? '' : nanosText(nanos);
}
