import { type DecodedRecord, type DecodedSpan, decodeLine } from '../decode.ts';

/** What a line holds, as far as it can be read. */
export interface LineBatches {
  readonly records: readonly DecodedRecord[];
  readonly spans: readonly DecodedSpan[];
  /** Pieces that cannot be read. */
  readonly skipped: number;
  /** How many of its first characters are whole: all of them, unless the last piece cannot be read. */
  readonly wholeChars: number;
  /** A writer of a later format made some of it. */
  readonly isNewer: boolean;
}

/** How a batch begins. Inside a text of JSON these quotes would have backslashes. */
const BATCH_START = /\{\s*"resource(?:Logs|Spans)"\s*:/g;

/**
 * Decodes a line. A writer that was killed leaves half a line, and who writes next may go on right behind it: what
 * follows is read from where a batch begins again. Never throws.
 */
export function batchesOf(text: string): LineBatches {
  if (text.trim() === '') return { records: [], spans: [], skipped: 0, wholeChars: text.length, isNewer: false };
  const whole = decodeLine(text);
  if (whole.error === undefined) return { ...whole, skipped: 0, wholeChars: text.length };
  const records: DecodedRecord[] = [];
  const spans: DecodedSpan[] = [];
  let skipped = 0;
  let wholeChars = text.length;
  let isNewer = false;
  let start = 0;
  for (const pieceText of batchTextsOf(text)) {
    const piece = decodeLine(pieceText);
    wholeChars = text.length;
    if (piece.error === undefined) {
      for (const record of piece.records) records.push(record);
      for (const span of piece.spans) spans.push(span);
      isNewer ||= piece.isNewer;
    } else {
      skipped += 1;
      wholeChars = start;
    }
    start += pieceText.length;
  }
  return { records, spans, skipped, wholeChars, isNewer };
}

/** A line of more is no accident: the rest of it is one piece. */
const MAX_PIECES = 100;

/** A line in pieces that may be batches: one, unless it is broken. */
export function batchTextsOf(text: string): readonly string[] {
  const starts: number[] = [];
  for (const { index } of text.matchAll(BATCH_START)) {
    if (starts.length === MAX_PIECES) break;
    starts.push(index);
  }
  // What stands before the first batch is the end of something.
  if (starts[0] !== 0) starts.unshift(0);
  return starts.map((start, n) => text.slice(start, starts[n + 1]));
}
