import { cutText } from '../cut-text.ts';
import { ATTR } from '../names.ts';
import { DEEPEST, textJson } from './any-value.ts';

/** What of a record may be too long. */
export interface RecordContent {
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Rounds of cutting; each takes the longest text left, so a handful is the rule. */
const MOST_ROUNDS = 100;
/** Values copied at most: an object that contains itself twice has no end in practice. */
const MOST_NODES = 100_000;

let nodesLeft = 0;

/** A text somewhere in a record. */
interface TextPlace {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/**
 * Formats a record that is too long with its longest texts cut, each ending in `…[cut N bytes]`, and the number of
 * bytes left out in `log.truncated_bytes`, with those that were left out before. What has no text long enough to cut loses all but its `task.*` texts.
 *
 * @param limit bytes of the formatted record
 */
export function cutToFit(record: RecordContent, limit: number, format: (cut: RecordContent) => string): string {
  const copy = { body: mutableCopy(record.body, 0), attributes: mutableCopy(record.attributes, 0) };
  const attributes = copy.attributes as Record<string, unknown>;
  const cutBefore = attributes[ATTR.TRUNCATED_BYTES];
  let cutBytes = typeof cutBefore === 'number' ? cutBefore : 0;
  let json = '';
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    attributes[ATTR.TRUNCATED_BYTES] = cutBytes;
    json = format({ body: copy.body, attributes });
    const excess = Buffer.byteLength(json) - limit;
    if (excess <= 0) return json;
    const place = longestText(copy);
    if (place === undefined) break;
    const text = place.holder[place.key] as string;
    // Escapes and non-ASCII make a unit of text up to six bytes of the line; the mark and the count need room too.
    const bytesPerUnit = Buffer.byteLength(textJson(text)) / text.length;
    const keep = Math.max(0, text.length - Math.ceil(excess / bytesPerUnit) - 64);
    const cut = cutText(text, keep);
    cutBytes += cut.cutBytes;
    place.holder[place.key] = cut.text;
  }
  return format({ body: `…[cut ${Buffer.byteLength(json)} bytes]`, attributes: essentials(attributes) });
}

/** What leads to the run, when nothing else can be kept. */
function essentials(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    const short = typeof value === 'number' || (typeof value === 'string' && value.length <= 4096);
    if (short && (key.startsWith('task.') || key === ATTR.OPERATION || key === ATTR.TRUNCATED_BYTES)) kept[key] = value;
  }
  return kept;
}

/** A copy whose texts can be replaced. Bytes count as text: their base64. */
function mutableCopy(value: unknown, depth: number): unknown {
  if (depth === 0) nodesLeft = MOST_NODES;
  nodesLeft -= 1;
  if (nodesLeft < 0) return null;
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((item) => mutableCopy(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mutableCopy(item, depth + 1)]));
}

function longestText(root: object): TextPlace | undefined {
  let found: TextPlace | undefined;
  // Cutting what is hardly longer than the mark would gain nothing.
  let longest = 256;
  const visit = (node: object, depth: number): void => {
    const holder = node as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      const value = holder[key];
      if (typeof value === 'string' && value.length > longest) {
        longest = value.length;
        found = { holder, key };
      } else if (typeof value === 'object' && value !== null && depth <= DEEPEST) visit(value, depth + 1);
    }
  };
  visit(root, 0);
  return found;
}
