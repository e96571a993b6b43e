/** What the files of a day tell about runs: the newest as objects, all others in tables. */
import { RunFacts } from '../reader/run-facts.ts';
import { mergedTable, type PartTable, tableOf } from './part-table.ts';
import { type RunPart, runKey } from './run-part.ts';
import { textHash } from './text-hash.ts';

/** New parts that are kept as objects; beyond it they become a table. */
const FRESH_PARTS = 4096;
/** Tables of at least this many parts are left as they are, unless a quarter of one is dead. */
const LARGE_TABLE = 32_768;
const MERGED_PARTS = 65_536;

export class DayParts {
  readonly #day: string;
  #tables: PartTable[];
  readonly #fresh = new Map<string, RunPart>();
  #freshTable: PartTable | undefined;

  /** @param day UTC day `YYYY-MM-DD` of the folder */
  constructor(day: string, tables: readonly PartTable[] = []) {
    this.#day = day;
    this.#tables = [...tables];
  }

  /** The parts as they are known, those that changed last in the last table. A table is not changed but for its dead. */
  get tables(): readonly PartTable[] {
    if (this.#fresh.size === 0) return this.#tables;
    this.#freshTable ??= tableOf([...this.#fresh.values()], this.#day);
    return [...this.#tables, this.#freshTable];
  }

  /** Bytes that the tables keep in memory. */
  get bytes(): number {
    return this.#tables.reduce((sum, table) => sum + table.columns.byteLength, 0);
  }

  /** By number of the file: where the first line with something of a job begins, and where the last one ends. */
  placesOf(jobId: string): ReadonlyMap<number, { readonly from: number; readonly to: number }> {
    const hash = textHash(jobId);
    const places = new Map<number, { from: number; to: number }>();
    for (const table of this.tables) {
      for (const row of table.rowsOf(hash)) {
        if (!table.isLive(row)) continue;
        const part = table.part(row);
        if (part.jobId !== jobId) continue;
        const known = places.get(part.file);
        places.set(part.file, {
          from: Math.min(part.from, known?.from ?? part.from),
          to: Math.max(part.to, known?.to ?? 0),
        });
      }
    }
    return places;
  }

  /** What is known of a run of a file. */
  known(file: number, jobId: string, run: string): RunPart | undefined {
    const fresh = this.#fresh.get(partKey(file, jobId, run));
    if (fresh !== undefined) return fresh;
    const found = this.#find(file, jobId, run);
    return found?.table.part(found.row);
  }

  #find(file: number, jobId: string, run: string): { readonly table: PartTable; readonly row: number } | undefined {
    const hash = textHash(jobId);
    for (const table of this.#tables) {
      for (const row of table.rowsOf(hash)) {
        if (!table.isLive(row) || table.words.file[row] !== file) continue;
        const part = table.part(row);
        if (part.jobId === jobId && part.run === run) return { table, row };
      }
    }
    return undefined;
  }

  /**
   * Puts a part in the place of what was known of the run in this file.
   *
   * @param kind `first`: nothing was known; `whole`: it says all that was known; `more`: it says what the lines read now say
   */
  put(part: RunPart, kind: 'first' | 'whole' | 'more'): void {
    const key = partKey(part.file, part.jobId, part.run);
    let kept = part;
    if (kind !== 'first') {
      const fresh = this.#fresh.get(key);
      const found = fresh === undefined ? this.#find(part.file, part.jobId, part.run) : undefined;
      if (kind === 'more') kept = joined(fresh ?? found?.table.part(found.row), part);
      found?.table.bury(found.row);
    }
    this.#fresh.set(key, kept);
    this.#freshTable = undefined;
    if (this.#fresh.size >= FRESH_PARTS) this.#seal();
  }

  /** Takes out what these files told. */
  forget(files: ReadonlySet<number>): void {
    this.#freshTable = undefined;
    for (const [key, part] of this.#fresh) if (files.has(part.file)) this.#fresh.delete(key);
    for (const table of this.#tables) {
      const { file } = table.words;
      for (let row = 0; row < table.count; row += 1) if (files.has(file[row] ?? 0)) table.bury(row);
    }
  }

  /** By number of the file, its new one. */
  rename(renamed: ReadonlyMap<number, number>): void {
    this.#seal();
    for (const { count, words } of this.#tables) {
      for (let row = 0; row < count; row += 1) {
        const file = renamed.get(words.file[row] ?? 0);
        if (file !== undefined) words.file[row] = file;
      }
    }
  }

  /** All of it in few tables, without the dead: as it is kept. */
  compact(): readonly PartTable[] {
    this.#seal();
    this.#tables = compacted(this.#tables);
    return this.#tables;
  }

  #seal(): void {
    if (this.#fresh.size === 0) return;
    this.#tables.push(tableOf([...this.#fresh.values()], this.#day));
    this.#fresh.clear();
    this.#freshTable = undefined;
  }
}

function joined(known: RunPart | undefined, more: RunPart): RunPart {
  if (known === undefined) return more;
  new RunFacts(known.jobId, known.run, known.state).merge(more.state);
  return { ...known, from: Math.min(known.from, more.from), to: Math.max(known.to, more.to) };
}

function partKey(file: number, jobId: string, run: string): string {
  return `${file}\n${runKey(jobId, run)}`;
}

/** Small tables become larger ones, and what is dead is left out. */
function compacted(tables: readonly PartTable[]): PartTable[] {
  const kept: PartTable[] = [];
  let group: PartTable[] = [];
  let parts = 0;
  const close = (): void => {
    if (group.length > 0) kept.push(mergedTable(group));
    group = [];
    parts = 0;
  };
  for (const table of tables) {
    const isSound = table.deadCount * 4 <= table.count;
    if (table.liveCount === 0) continue;
    if (table.count >= LARGE_TABLE && isSound) {
      kept.push(table);
      continue;
    }
    if (parts + table.liveCount > MERGED_PARTS) close();
    group.push(table);
    parts += table.liveCount;
  }
  close();
  return kept;
}
