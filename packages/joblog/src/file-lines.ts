import type { Frame } from './frame.ts';

/** Above this many characters a line is closed: readers and the Collector take lines whole. */
const LINE_CHARS = 256 * 1024;

/** Records of one frame in the line being built. */
interface Section {
  readonly frame: Frame;
  json: string;
}

/**
 * What one flush adds to one file: at least one OTLP batch a line, log records and spans apart. Records that are
 * flushed together share a line, so that resource and scope stand there once.
 */
export class FileText {
  /** Path below the logs folder, without ending. */
  readonly file: string;
  /** True when the first record of the run is in it: most likely nobody has made the file yet. */
  isNew = false;
  /** True when the run ended with it: its descriptor need not stay open. */
  isLast = false;
  #logs: Section | undefined;
  #spans: Section | undefined;
  /** Sections of further frames; most files have none. */
  #moreLogs: Section[] | undefined;
  #moreSpans: Section[] | undefined;
  #logChars = 0;
  #spanChars = 0;
  #lines = '';

  constructor(file: string) {
    this.file = file;
  }

  addLog(frame: Frame, json: string): void {
    if (this.#logChars + json.length > LINE_CHARS && this.#logChars > 0) this.#closeLogs();
    this.#logChars += json.length;
    if (this.#logs === undefined) {
      this.#logs = { frame, json };
      return;
    }
    if (this.#logs.frame === frame) {
      this.#logs.json += `,${json}`;
      return;
    }
    this.#moreLogs ??= [];
    addTo(this.#moreLogs, frame, json);
  }

  addSpan(frame: Frame, json: string): void {
    if (this.#spanChars + json.length > LINE_CHARS && this.#spanChars > 0) this.#closeSpans();
    this.#spanChars += json.length;
    if (this.#spans === undefined) {
      this.#spans = { frame, json };
      return;
    }
    if (this.#spans.frame === frame) {
      this.#spans.json += `,${json}`;
      return;
    }
    this.#moreSpans ??= [];
    addTo(this.#moreSpans, frame, json);
  }

  /** All lines, each with its newline. */
  finish(): string {
    this.#closeLogs();
    this.#closeSpans();
    return this.#lines;
  }

  #closeLogs(): void {
    if (this.#logs === undefined) return;
    this.#lines += `{"resourceLogs":[${join(this.#logs, this.#moreLogs, LOGS)}]}\n`;
    this.#logs = undefined;
    this.#moreLogs = undefined;
    this.#logChars = 0;
  }

  #closeSpans(): void {
    if (this.#spans === undefined) return;
    this.#lines += `{"resourceSpans":[${join(this.#spans, this.#moreSpans, SPANS)}]}\n`;
    this.#spans = undefined;
    this.#moreSpans = undefined;
    this.#spanChars = 0;
  }
}

interface Kind {
  readonly scopes: string;
  readonly items: string;
}

const LOGS: Kind = { scopes: '"scopeLogs":[', items: '"logRecords":[' };
const SPANS: Kind = { scopes: '"scopeSpans":[', items: '"spans":[' };

function addTo(sections: Section[], frame: Frame, json: string): void {
  const known = sections.find((section) => section.frame === frame);
  if (known === undefined) sections.push({ frame, json });
  else known.json += `,${json}`;
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
