import { once } from 'node:events';
import type { CommandIo } from './command-io.ts';
import { type TextStyle, textStyle } from './text-style.ts';
import { WaitingSign } from './waiting-sign.ts';

/** Thrown when the reader of the output has gone: a pager that was left, `head` that has enough. */
class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/** What a command prints, at the pace of whoever reads it. */
export class Printer {
  readonly style: TextStyle;
  readonly #io: CommandIo;
  #isGone = false;
  #sign: WaitingSign | undefined;

  constructor(io: CommandIo) {
    this.#io = io;
    this.style = textStyle(io.env, io.out.isTTY === true);
    // For good: what was written last may fail when the command is done.
    io.out.on('error', this.#onError);
  }

  /** Writes lines to stdout; resolves when more can be taken. Rejects when nobody reads any more, which {@link printing} knows. */
  async lines(lines: readonly string[]): Promise<void> {
    this.#clear();
    if (this.#isGone) throw new ReaderGone('nobody reads');
    if (lines.length === 0 || this.#io.out.write(`${lines.join('\n')}\n`)) return;
    // An error ends the wait, too: a pipe whose reader has gone never drains.
    await once(this.#io.out, 'drain').catch(this.#onError);
    if (this.#isGone) throw new ReaderGone('nobody reads');
  }

  /** Says something that is no answer, on stderr. */
  note(text: string): void {
    this.#clear();
    this.#io.err.write(`taskspan: ${text}\n`);
  }

  /** Says what is wrong, and makes the command fail. */
  fail(text: string): void {
    this.note(text);
    this.#io.fail();
  }

  /**
   * Shows a sign of life on a terminal while something takes long.
   *
   * @returns what `work` returns
   */
  async waiting<T>(text: string, work: () => Promise<T>): Promise<T> {
    if (this.#io.err.isTTY !== true) return await work();
    this.#sign = new WaitingSign(text, this.#io.err);
    try {
      return await work();
    } finally {
      this.#clear();
    }
  }

  #clear(): void {
    this.#sign?.end();
    this.#sign = undefined;
  }

  readonly #onError = (error: unknown): void => {
    const isFirst = !this.#isGone;
    this.#isGone = true;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EPIPE' && isFirst) this.fail(`cannot write: ${message}`);
  };
}

/** Runs a command: whoever has read enough of it ends it without a word. */
export async function printing(io: CommandIo, command: (printer: Printer) => Promise<void>): Promise<void> {
  const printer = new Printer(io);
  try {
    await command(printer);
  } catch (error) {
    if (!(error instanceof ReaderGone)) throw error;
  }
}
