import type { StyleName, TextStyle } from './text-style.ts';

export interface Cell {
  readonly text: string;
  readonly style?: StyleName | undefined;
}

export interface Column<T> {
  readonly title: string;
  readonly isNumber?: boolean;
  cell(row: T): Cell;
}

/** Spaces between columns. */
const GAP = '  ';

/**
 * Rows in aligned columns, a title above each. Columns in which no row says anything are left out, and no line ends in
 * spaces.
 */
export function cellTable<T>(columns: readonly Column<T>[], rows: readonly T[], style: TextStyle): readonly string[] {
  const filled = columns
    .map((column) => ({ column, cells: rows.map((row) => column.cell(row)) }))
    .filter(({ cells }) => cells.some(({ text }) => text !== ''))
    .map(({ column, cells }) => ({
      column,
      cells: [{ text: column.title, style: 'bold' as const }, ...cells],
      width: Math.max(column.title.length, ...cells.map(({ text }) => width(text))),
    }));
  return Array.from({ length: rows.length + 1 }, (_, at) => {
    const texts = filled.map((one, place) => {
      const cell: Cell = one.cells[at] ?? { text: '' };
      const space = ' '.repeat(one.width - width(cell.text));
      const text = style(cell.style, cell.text);
      if (one.column.isNumber === true) return space + text;
      return place === filled.length - 1 ? text : text + space;
    });
    return texts.join(GAP).trimEnd();
  });
}

/** Places on a terminal, as far as code points tell. */
function width(text: string): number {
  return [...text].length;
}
