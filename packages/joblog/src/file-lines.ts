import type { Frame } from './frame.ts';
import { formatted } from './otlp-json.ts';

/** Above this many characters a line is closed: readers and the Collector take lines whole. */
const LINE_CHARS = 256 * 1024;

/** Records of one frame in the line being built. */
interface Section {
  readonly frame: Frame;
  json: string;
}

interface Kind {
  readonly head: string;
  readonly scopes: string;
  readonly items: string;
}

const LOGS: Kind = { head: '{"resourceLogs":[', scopes: '"scopeLogs":[', items: '"logRecords":[' };
const SPANS: Kind = { head: '{"resourceSpans":[', scopes: '"scopeSpans":[', items: '"spans":[' };

/**
 * Lines of one kind, each one OTLP batch. Records that are flushed together share a line, so that resource and scope
 * stand there once.
 */
export class Lines {
  readonly #kind: Kind;
  #text = '';
  #first: Section | undefined;
  /** Sections of further frames; most files have none. */
  #more: Section[] | undefined;
  #chars = 0;

  private constructor(kind: Kind) {
    this.#kind = kind;
  }

  static ofLogs(): Lines {
    return new Lines(LOGS);
  }

  static ofSpans(): Lines {
    return new Lines(SPANS);
  }

  add(frame: Frame, json: string): void {
    if (this.#chars + json.length > LINE_CHARS && this.#chars > 0) this.#close();
    this.#chars += json.length;
    if (!frame.isAscii) formatted.isAscii = false;
    if (this.#first === undefined) this.#first = { frame, json };
    else if (this.#first.frame === frame) this.#first.json += `,${json}`;
    else this.#addMore(frame, json);
  }

  /** Characters of the lines that are closed. */
  get closedChars(): number {
    return this.#text.length;
  }

  /** The lines that are closed, each with its newline; afterwards there are none of them. */
  takeClosed(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  /** All lines, each with its newline; afterwards there are none. */
  take(): string {
    this.#close();
    return this.takeClosed();
  }

  #addMore(frame: Frame, json: string): void {
    this.#more ??= [];
    const known = this.#more.find((section) => section.frame === frame);
    if (known === undefined) this.#more.push({ frame, json });
    else known.json += `,${json}`;
  }

  #close(): void {
    if (this.#first === undefined) return;
    this.#text += `${this.#kind.head}${join(this.#first, this.#more, this.#kind)}]}\n`;
    this.#first = undefined;
    this.#more = undefined;
    this.#chars = 0;
  }
}

function join(first: Section, more: readonly Section[] | undefined, kind: Kind): string {
  if (more === undefined) return resourceJson(first.frame, scopeJson(first, kind), kind);
  const left = [first, ...more];
  const resources: string[] = [];
  for (let head = left.shift(); head !== undefined; head = left.shift()) {
    const { frame } = head;
    let scopes = scopeJson(head, kind);
    for (let at = 0; at < left.length; ) {
      const other = left[at];
      if (other?.frame.resource !== frame.resource || other.frame.resourceTail !== frame.resourceTail) {
        at += 1;
        continue;
      }
      scopes += `,${scopeJson(other, kind)}`;
      left.splice(at, 1);
    }
    resources.push(resourceJson(frame, scopes, kind));
  }
  return resources.join(',');
}

function resourceJson(frame: Frame, scopes: string, kind: Kind): string {
  return `{"resource":${frame.resource},${kind.scopes}${scopes}]${frame.resourceTail}}`;
}

function scopeJson(section: Section, kind: Kind): string {
  return `{"scope":${section.frame.scope},${kind.items}${section.json}]${section.frame.scopeTail}}`;
}
