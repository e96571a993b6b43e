/** A text that is looked for, whatever the case of its ASCII letters. */

/** Characters that every writer of JSON leaves as they are. */
const PLAIN = /[A-Za-z0-9 _.,:;=+*@#$%^()[\]{}|~!?-]+/g;
/** Characters that some write as they are and others behind a backslash. */
const MAYBE_ESCAPED = /[^\p{Cc}"\\]+/gu;

export class Needle {
  readonly text: string;
  readonly #inText: RegExp;
  readonly #inBytes: RegExp;

  constructor(text: string) {
    this.text = text;
    this.#inText = new RegExp(anyCase(text));
    this.#inBytes = new RegExp(bytesPattern(text), 'g');
  }

  isIn(text: string): boolean {
    return this.#inText.test(text);
  }

  /**
   * Where it may stand in the bytes of JSON, given as a text of one character a byte; what is found is to be looked at
   * with {@link isIn}, what is not found is not there. -1: nowhere from `from` on.
   */
  nextIn(bytes: string, from: number): number {
    this.#inBytes.lastIndex = from;
    const match = this.#inBytes.exec(bytes);
    return match === null ? -1 : match.index;
  }
}

function bytesPattern(text: string): string {
  const plain = longest(text.match(PLAIN));
  if (plain !== '') return anyCase(plain);
  const raw = longest(text.match(MAYBE_ESCAPED));
  return raw === '' ? '\\\\' : `\\\\|${anyCase(Buffer.from(raw).toString('latin1'))}`;
}

function longest(texts: readonly string[] | null): string {
  return (texts ?? []).reduce((best, text) => (text.length > best.length ? text : best), '');
}

function anyCase(text: string): string {
  return text
    .replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
    .replace(/[A-Za-z]/g, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}
