import { isAscii } from 'node:buffer';
import { withoutEscapeSequences } from './escape-sequences.ts';
import { type CutLine, HeldLine } from './held-line.ts';

const NEWLINE = 10;
const RETURN = '\r';
/** A long chunk is taken in pieces, so that no line but a held one can be long. */
const PIECE_BYTES = 64 * 1024;

/** The line that a text is, which has no newline in it. */
export function lineOf(text: string): Lines {
  const isPlain = !ESCAPED.test(text);
  return { texts: [text], isAscii: false, isPlain, mayBeJson: text.includes('{') };
}

/** Lines, with what is known of all of them by a look at the whole. */
export interface Lines {
  readonly texts: readonly string[];
  readonly isAscii: boolean;
  /** None holds what JSON would have to escape. */
  readonly isPlain: boolean;
  /** False when no line can be a JSON object. */
  readonly mayBeJson: boolean;
}

/** Whole lines, in order: at most one that had begun in an earlier piece, then those of this one. */
export interface SplitLines {
  readonly held: CutLine | undefined;
  readonly lines: Lines | undefined;
}

/** All that JSON escapes, but for newlines, which stand between the lines; as one class, it is looked for at twice the pace. */
const ESCAPED = /[^\n !#-[\]-\uffff]/;

/**
 * Bytes of one stream into its lines, whatever the pieces in which they come. What is no UTF-8 becomes U+FFFD. Of a
 * line in which a carriage return is, what follows the last one counts, as a terminal shows it: `\r\n` ends a line, and
 * a progress bar is its last state. What is meant for the terminal alone is left out.
 */
export class LineSplitter {
  readonly #held = new HeldLine();

  /** @param chunk may be reused by its owner as soon as all lines are taken */
  *push(chunk: Buffer): Generator<SplitLines> {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const split = this.#split(chunk.length <= PIECE_BYTES ? chunk : chunk.subarray(at, at + PIECE_BYTES));
      if (split !== undefined) yield split;
    }
  }

  /** The line that never ended, if there is one. */
  end(): CutLine | undefined {
    return this.#held.isEmpty ? undefined : this.#held.take();
  }

  #split(piece: Buffer): SplitLines | undefined {
    const last = piece.lastIndexOf(NEWLINE);
    if (last === -1) {
      this.#held.add(piece);
      return undefined;
    }
    let start = 0;
    let held: CutLine | undefined;
    if (!this.#held.isEmpty) {
      const first = piece.indexOf(NEWLINE);
      this.#held.add(piece.subarray(0, first));
      held = this.#held.take();
      start = first + 1;
    }
    const lines = start > last ? undefined : linesOf(piece, start, last);
    this.#held.add(piece.subarray(last + 1));
    return { held, lines };
  }
}

function linesOf(bytes: Buffer, start: number, end: number): Lines {
  const ascii = isAscii(bytes.subarray(start, end));
  const text = ascii ? bytes.toString('latin1', start, end) : bytes.toString('utf8', start, end);
  const isPlain = !ESCAPED.test(text);
  return {
    texts: isPlain ? text.split('\n') : shownLines(text),
    isAscii: ascii,
    isPlain,
    mayBeJson: text.includes('{'),
  };
}

/** The lines of a text as a terminal shows them. */
function shownLines(text: string): readonly string[] {
  if (!text.includes(RETURN)) return withoutEscapeSequences(text).split('\n');
  return text.split('\n').map((line) => withoutEscapeSequences(afterLastReturn(line)));
}

function afterLastReturn(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === RETURN) end -= 1;
  return end === 0 ? '' : line.slice(line.lastIndexOf(RETURN, end - 1) + 1, end);
}
