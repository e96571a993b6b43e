import type { DropSignal } from '../internal/state.ts';
import { formatted } from './any-value.ts';
import type { Frame } from './frame.ts';

/** Items of one frame. */
interface Section {
  readonly frame: Frame;
  json: string;
}

interface Kind {
  readonly head: string;
  readonly scopes: string;
  readonly items: string;
}

const KINDS: Readonly<Record<DropSignal, Kind>> = {
  logs: { head: '{"resourceLogs":[', scopes: '"scopeLogs":[', items: '"logRecords":[' },
  spans: { head: '{"resourceSpans":[', scopes: '"scopeSpans":[', items: '"spans":[' },
  metrics: { head: '{"resourceMetrics":[', scopes: '"scopeMetrics":[', items: '"metrics":[' },
};

/** One OTLP batch being filled: a line of a file, or the body of a request. A resource and its scopes stand there once. */
export class OtlpBatch {
  readonly #kind: Kind;
  #first: Section | undefined;
  /** Sections of further frames; most batches have none. */
  #more: Map<Frame, Section> | undefined;
  #chars = 0;

  constructor(signal: DropSignal) {
    this.#kind = KINDS[signal];
  }

  /** Characters of the items in it. */
  get chars(): number {
    return this.#chars;
  }

  /** @param json a formatted item */
  add(frame: Frame, json: string): void {
    this.#chars += json.length;
    if (!frame.isAscii) formatted.isAscii = false;
    if (this.#first === undefined) this.#first = { frame, json };
    else if (this.#first.frame === frame) this.#first.json += `,${json}`;
    else this.#addMore(frame, json);
  }

  /** The batch, empty when there is nothing in it; afterwards it is. */
  take(): string {
    if (this.#first === undefined) return '';
    const json = `${this.#kind.head}${join(this.#first, this.#more, this.#kind)}]}`;
    this.#first = undefined;
    this.#more = undefined;
    this.#chars = 0;
    return json;
  }

  #addMore(frame: Frame, json: string): void {
    this.#more ??= new Map();
    const known = this.#more.get(frame);
    if (known === undefined) this.#more.set(frame, { frame, json });
    else known.json += `,${json}`;
  }
}

/** Sections in order of appearance, those of one resource together. */
function join(first: Section, more: ReadonlyMap<Frame, Section> | undefined, kind: Kind): string {
  if (more === undefined) return resourceJson(first.frame, scopeJson(first, kind), kind);
  const resources = new Map<string, { readonly frame: Frame; scopes: string }>();
  for (const section of [first, ...more.values()]) {
    const { frame } = section;
    const key = frame.resource + frame.resourceTail;
    const known = resources.get(key);
    if (known === undefined) resources.set(key, { frame, scopes: scopeJson(section, kind) });
    else known.scopes += `,${scopeJson(section, kind)}`;
  }
  return Array.from(resources.values(), ({ frame, scopes }) => resourceJson(frame, scopes, kind)).join(',');
}

function resourceJson(frame: Frame, scopes: string, kind: Kind): string {
  return `{"resource":${frame.resource},${kind.scopes}${scopes}]${frame.resourceTail}}`;
}

function scopeJson(section: Section, kind: Kind): string {
  return `{"scope":${section.frame.scope},${kind.items}${section.json}]${section.frame.scopeTail}}`;
}
