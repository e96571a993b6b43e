import type { JobLogLevel } from '../entry/job-log-entry.ts';
import { parseLevelWord } from '../entry/level.ts';

const WORD = 'TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRITICAL|FATAL|PANIC';
/** A date, a time, or both, perhaps in brackets. */
const TIME = '[[(]?\\d{2,4}[-/:.]\\d{2}[\\d\\-/:.,TZ+ ]{2,28}[\\])]?';

/** `ERROR:root:no such file`, `2026-03-04 05:06:07,890 WARNING no more`, `[info] ready`. */
const CAPITALS = new RegExp(`^(?:${TIME} *)?[[(<]?(${WORD})(?:[\\])>:,|]| +\\S|$)`);
/** In any case where a colon or bracket says that it is no word of a sentence: `error: no such file`, `[warn] no more`. */
const MARKED = new RegExp(`^(?:${TIME} *)?(?:(${WORD}):(?: |$)|[[<](${WORD})[\\]>])`, 'i');
/** `TypeError: no such thing`, `java.lang.IllegalStateException: …`, the first line of Python's and Go's traces. */
const THROWN =
  /^(?:Uncaught |Unhandled |Caused by: |Exception in thread "[^"]*" )?(?:[\w$]+[.:])*[A-Z][\w$]*(?:Error|Exception)(?::|$)|^Traceback \(most recent call last\):|^panic: /;
/** What looks longer is text. */
const HEAD_CHARS = 120;
/** Frames of a trace may be as many; what is indented beyond is no part of it. */
const MOST_CONTINUED = 1000;
const SPACE = 0x20;
const TAB = 0x09;

/** The levels of the plain lines of one stream: the indented lines below an error are part of it. */
export class PlainLevels {
  #continued: JobLogLevel | undefined;
  #left = 0;

  /** @returns undefined where a line says no level, and continues none that does */
  of(line: string): JobLogLevel | undefined {
    const own = levelOfText(line);
    if (own === undefined && this.#left > 0 && isIndented(line)) {
      this.#left -= 1;
      return this.#continued;
    }
    this.#continued = own;
    this.#left = own === 'ERROR' ? MOST_CONTINUED : 0;
    return own;
  }

  /** Something else came between. */
  interrupt(): void {
    this.#left = 0;
  }
}

/**
 * The level that a plain line says at its beginning.
 *
 * @returns undefined where it says none
 */
export function levelOfText(line: string): JobLogLevel | undefined {
  const head = line.length > HEAD_CHARS ? line.slice(0, HEAD_CHARS) : line;
  const match = CAPITALS.exec(head) ?? MARKED.exec(head);
  const word = match?.[1] ?? match?.[2];
  if (word !== undefined) return wordLevel(word.toUpperCase());
  return THROWN.test(head) ? 'ERROR' : undefined;
}

function isIndented(line: string): boolean {
  const first = line.charCodeAt(0);
  return first === SPACE || first === TAB;
}

function wordLevel(word: string): JobLogLevel | undefined {
  return word === 'ERR' || word === 'PANIC' ? 'ERROR' : parseLevelWord(word);
}
