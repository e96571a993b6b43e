import { type Frame, OtlpBatch } from '@taskspan/core/hub';

/** Above this many characters a line is closed: readers and the Collector take lines whole. */
const LINE_CHARS = 256 * 1024;

/**
 * Lines of one kind, each one OTLP batch. Records that are flushed together share a line, so that resource and scope
 * stand there once.
 */
export class Lines {
  readonly #open: OtlpBatch;
  #text = '';

  constructor(signal: 'logs' | 'spans') {
    this.#open = new OtlpBatch(signal);
  }

  add(frame: Frame, json: string): void {
    const { chars } = this.#open;
    if (chars > 0 && chars + json.length > LINE_CHARS) this.#close();
    this.#open.add(frame, json);
  }

  /** The record that comes next begins another line. */
  closeLine(): void {
    if (this.#open.chars > 0) this.#close();
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
    this.closeLine();
    return this.takeClosed();
  }

  #close(): void {
    this.#text += `${this.#open.take()}\n`;
  }
}
