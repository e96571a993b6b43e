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

/** Of what is kept, as JSON: a record has at most 1 MiB, and the owner of the run says something, too. */
const MOST_BYTES = 768 * 1024;
/** What stands in a record around each of its texts. */
const AROUND_BYTES = 64;
/** Metadata of a manifest that had no room for so many values. */
const LEFT_OUT = 'values_left_out';

/**
 * What all manifests of a run say together: references in order of appearance, each once; the earliest start and the
 * latest end; the last word on each key of the metadata. A run that says more than a record holds is told how much was
 * left out, in `metadata.values_left_out`.
 */
export class PrintedManifest {
  readonly #outputs = new Set<string>();
  readonly #inputs = new Set<string>();
  readonly #metadata = new Map<string, string>();
  #room: number = MOST_BYTES;
  #leftOut = 0;
  #startNanos: bigint | undefined;
  #endNanos: bigint | undefined;

  merge(manifest: JobManifest): void {
    for (const { str } of manifest.outputs) this.#addRef(this.#outputs, str);
    for (const { str } of manifest.inputs) this.#addRef(this.#inputs, str);
    for (const [key, value] of Object.entries(manifest.metadata)) this.#setMetadata(key, value);
    const start = parseNanosText(manifest.start_time);
    const end = parseNanosText(manifest.end_time);
    if (start !== undefined && (this.#startNanos === undefined || start < this.#startNanos)) this.#startNanos = start;
    if (end !== undefined && (this.#endNanos === undefined || end > this.#endNanos)) this.#endNanos = end;
  }

  #addRef(refs: Set<string>, str: string): void {
    if (!refs.has(str) && this.#fits(bytesOf(str))) refs.add(str);
  }

  #setMetadata(key: string, value: string): void {
    const known = this.#metadata.get(key);
    const before = known === undefined ? 0 : bytesOf(key, known);
    if (this.#fits(bytesOf(key, value) - before)) this.#metadata.set(key, value);
  }

  #fits(bytes: number): boolean {
    if (bytes > this.#room) {
      this.#leftOut += 1;
      return false;
    }
    this.#room -= bytes;
    return true;
  }

  /** The record of the manifest, for the end of the run. */
  content(run: RunManifest = {}): RecordContent {
    const label = run.label === undefined || run.label === '' ? {} : { [LABEL_FIELD]: run.label };
    const manifest: JobManifest = {
      outputs: refs(run.outputs, this.#outputs),
      inputs: refs(run.inputs, this.#inputs),
      start_time: instant(this.#startNanos, run.startSeconds),
      end_time: instant(this.#endNanos, run.endSeconds),
      metadata: { ...label, ...run.metadata, ...Object.fromEntries(this.#metadata), ...this.#loss() },
    };
    return eventRecord(contentOf({ manifest }));
  }

  #loss(): Readonly<Record<string, string>> {
    return this.#leftOut === 0 ? {} : { [LEFT_OUT]: String(this.#leftOut) };
  }
}

function bytesOf(...texts: readonly string[]): number {
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(JSON.stringify(text)), AROUND_BYTES);
}

function refs(known: readonly string[] = [], told: ReadonlySet<string>): readonly OutputRef[] {
  return Array.from(new Set([...known, ...told]), (str) => ({ str }));
}

function instant(told: bigint | undefined, seconds: number | undefined): string {
  const nanos = told ?? (seconds === undefined ? undefined : secondsNanos(seconds));
  return nanos === undefined ? '' : nanosText(nanos);
}
