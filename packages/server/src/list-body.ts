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
  /** Reads some items, from the cursor on or from the first. */
  read(limit: number, cursor: string | undefined): Promise<ListPage>;
}

/** Items of the first page, when their size is not known yet. */
const FIRST_ITEMS = 64;
/** Items of a page at most: small ones cost more in memory than in JSON. */
const MOST_PAGE_ITEMS = 512;
/** Characters that are worth a write. */
const PIECE_CHARS = 16 * 1024;

/**
 * Text of a JSON answer with a list, which is read page by page while it is written: its size in memory does not depend
 * on its length.
 *
 * @returns the pieces of the text, once the first page has been read; rejects when that fails
 */
export async function openListBody(source: ListSource): Promise<AsyncGenerator<string, void, undefined>> {
  const first = await source.read(Math.min(source.limit, FIRST_ITEMS), undefined);
  return listPieces(source, first);
}

async function* listPieces(source: ListSource, first: ListPage): AsyncGenerator<string, void, undefined> {
  let page = first;
  let items = 0;
  let chars = 0;
  let skipped = 0;
  let piece = `{${JSON.stringify(source.name)}:[`;
  for (;;) {
    for (const item of page.items) {
      const text = JSON.stringify(item);
      piece += items === 0 ? text : `,${text}`;
      items += 1;
      chars += text.length;
      if (piece.length < PIECE_CHARS) continue;
      yield piece;
      piece = '';
    }
    skipped = Math.max(skipped, page.rest.skipped_lines ?? 0);
    const cursor = page.rest.next_cursor;
    const left = source.limit - items;
    if (page.rest.has_more !== true || cursor === undefined || left <= 0) break;
    const fitting = Math.floor((source.pageChars * Math.max(items, 1)) / Math.max(chars, 1));
    page = await source.read(Math.min(left, MOST_PAGE_ITEMS, Math.max(fitting, 1)), cursor);
  }
  const rest = { ...page.rest, ...(skipped > 0 ? { skipped_lines: skipped } : {}) };
  const tail = JSON.stringify(rest).slice(1);
  yield `${piece}]${tail === '}' ? tail : `,${tail}`}`;
}
