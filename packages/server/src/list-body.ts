/** What an answer has beside its items. */
export interface ListRest {
  readonly has_more?: boolean;
  readonly next_cursor?: string;
  readonly skipped_lines?: number;
}

export interface ListPage {
  readonly items: readonly unknown[];
  readonly rest: ListRest;
}

export interface ListSource {
  /** Name of the items in the answer. */
  readonly name: string;
  /** Most items of the answer. */
  readonly limit: number;
  /** Characters of JSON to have in memory, about. */
  readonly pageChars: number;
  /** Has no pages: what it reads is all there is. */
  readonly isWhole?: true;
  /** Reads some items, from the cursor on or from the first. */
  read(limit: number, cursor: string | undefined): Promise<ListPage>;
}

/** Items of the first page, when their size is not known yet. */
const FIRST_ITEMS = 64;
/** Items of a page at most: small ones cost more in memory than in JSON. */
const MOST_PAGE_ITEMS = 512;
/** A page that is so many times too large is read again with fewer items. */
const MUCH_TOO_LARGE = 4;
/** Characters that are worth a write. */
const PIECE_CHARS = 16 * 1024;

/** A page whose items are texts already: they take less memory than objects, and are let go of one by one. */
interface TextPage {
  readonly texts: string[];
  readonly chars: number;
  readonly rest: ListRest;
}

export interface ListBody {
  readonly pieces: AsyncGenerator<string, void, undefined>;
  /** Characters that are held until they are written, beyond a page: those of a source without pages. */
  readonly heldChars: number;
}

/**
 * Text of a JSON answer with a list, which is read page by page while it is written: its size in memory does not depend
 * on its length.
 *
 * @returns the text, once the first page has been read; rejects when that fails
 */
export async function openListBody(source: ListSource): Promise<ListBody> {
  const first = await readTexts(source, Math.min(source.limit, FIRST_ITEMS), undefined);
  return { pieces: listPieces(source, first), heldChars: source.isWhole === true ? first.chars : 0 };
}

async function* listPieces(source: ListSource, first: TextPage): AsyncGenerator<string, void, undefined> {
  let page = first;
  let items = 0;
  let chars = 0;
  let skipped = 0;
  let piece = `{${JSON.stringify(source.name)}:[`;
  for (;;) {
    const { texts, rest } = page;
    chars += page.chars;
    for (let at = 0; at < texts.length; at += 1) {
      piece += items === 0 ? texts[at] : `,${texts[at]}`;
      texts[at] = '';
      items += 1;
      if (piece.length < PIECE_CHARS) continue;
      yield piece;
      piece = '';
    }
    skipped = Math.max(skipped, rest.skipped_lines ?? 0);
    const left = source.limit - items;
    if (rest.has_more !== true || rest.next_cursor === undefined || left <= 0) break;
    const fitting = fittingItems(items, chars, source.pageChars);
    page = await readTexts(source, Math.min(left, MOST_PAGE_ITEMS, fitting), rest.next_cursor);
  }
  const rest = { ...page.rest, ...(skipped > 0 ? { skipped_lines: skipped } : {}) };
  const tail = JSON.stringify(rest).slice(1);
  yield `${piece}]${tail === '}' ? tail : `,${tail}`}`;
}

async function readTexts(source: ListSource, limit: number, cursor: string | undefined): Promise<TextPage> {
  const { items, rest } = await source.read(limit, cursor);
  const texts = items.map((item) => JSON.stringify(item));
  const chars = texts.reduce((sum, text) => sum + text.length, 0);
  const isMuchTooLarge = chars > MUCH_TOO_LARGE * source.pageChars && items.length > 1;
  // A source without pages gives everything at once, and would again.
  if (!isMuchTooLarge || source.isWhole === true) return { texts, chars, rest };
  return await readTexts(source, Math.min(limit - 1, fittingItems(items.length, chars, source.pageChars)), cursor);
}

/** How many items make a page, if they are as large as those so far; at least one. */
function fittingItems(items: number, chars: number, pageChars: number): number {
  return Math.max(1, Math.floor((pageChars * Math.max(items, 1)) / Math.max(chars, 1)));
}
