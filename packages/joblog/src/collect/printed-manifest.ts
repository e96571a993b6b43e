import type { AnyValue } from '@opentelemetry/api-logs';
import { ATTR, EVENT, MANIFEST_METADATA_PREFIX, SEVERITY } from '@taskspan/core';
import type { RecordContent } from '@taskspan/core/hub';

/** What a manifest says; each part may be missing. */
export interface ManifestPart {
  readonly outputs?: readonly string[] | undefined;
  readonly inputs?: readonly string[] | undefined;
  /** Unix seconds. */
  readonly startSeconds?: number | undefined;
  readonly endSeconds?: number | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** All that the manifests of one run say together: references in order of appearance, the longest time, the last word on each key. */
export class PrintedManifest {
  readonly #outputs = new Set<string>();
  readonly #inputs = new Set<string>();
  readonly #metadata = new Map<string, string>();
  #startSeconds: number | undefined;
  #endSeconds: number | undefined;

  merge(part: ManifestPart): void {
    for (const output of part.outputs ?? []) this.#outputs.add(output);
    for (const input of part.inputs ?? []) this.#inputs.add(input);
    for (const [key, value] of Object.entries(part.metadata ?? {})) this.#metadata.set(key, value);
    const { startSeconds: start, endSeconds: end } = part;
    if (start !== undefined) this.#startSeconds = Math.min(start, this.#startSeconds ?? start);
    if (end !== undefined) this.#endSeconds = Math.max(end, this.#endSeconds ?? end);
  }

  /**
   * The record of the manifest, for the end of the run.
   *
   * @param run what is known of it otherwise: its outputs come first, its times stand where no manifest says any, and
   *   its label where none names one
   */
  content(run: ManifestPart & { readonly label?: string | undefined } = {}): RecordContent {
    const outputs = [...new Set([...(run.outputs ?? []), ...this.#outputs])];
    const inputs = [...new Set([...(run.inputs ?? []), ...this.#inputs])];
    const attributes: Record<string, AnyValue> = {
      [ATTR.MANIFEST_OUTPUTS]: outputs,
      [ATTR.MANIFEST_INPUTS]: inputs,
    };
    const start = this.#startSeconds ?? run.startSeconds;
    const end = this.#endSeconds ?? run.endSeconds;
    if (start !== undefined) attributes[ATTR.MANIFEST_START] = start;
    if (end !== undefined) attributes[ATTR.MANIFEST_END] = end;
    for (const [key, value] of Object.entries(run.metadata ?? {})) attributes[MANIFEST_METADATA_PREFIX + key] = value;
    for (const [key, value] of this.#metadata) attributes[MANIFEST_METADATA_PREFIX + key] = value;
    if (run.label !== undefined) attributes[ATTR.TASK_LABEL] = run.label;
    return { eventName: EVENT.MANIFEST, severity: SEVERITY.info, attributes };
  }
}
