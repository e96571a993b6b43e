/**
 * The file that keeps the index of a day: a head, the facts of the folder as JSON, then the table of files and the tables
 * of parts as they lie in memory. Checksums stand over all of it: what does not fit is not believed, and made again.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { FileTable } from './file-table.ts';
import { columnBytes, PartTable } from './part-table.ts';
import { FileText, OpenFile } from './part-text.ts';

/** Another layout has another number: readers of either make it again. */
const MAGIC = Buffer.from('taskspan jobs 02');
const HEAD_BYTES: number = MAGIC.length + 8;
const ALIGNMENT = 8;
const CHECK_BYTES = 256 * 1024;
/** Above this a header is none of ours. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;

/** What was last seen of a day's folder. Instants in epoch milliseconds. */
export interface FolderFacts {
  readonly mtimeMs: number;
  /** When its names were listed, and how long that took. */
  readonly listedAtMs: number;
  readonly listMs: number;
  /** When all of its files were looked at, and how long that took. */
  readonly sweptAtMs: number;
  readonly sweepMs: number;
}

export interface DayState {
  readonly facts: FolderFacts;
  /** Pieces of lines that could not be read. */
  readonly skipped: number;
  readonly files: FileTable;
  readonly tables: readonly PartTable[];
}

/** A state whose texts are read from the file. */
export interface LoadedDay extends DayState {
  readonly file: OpenFile;
}

interface Section {
  readonly at: number;
  readonly length: number;
  readonly crc: number;
}

interface Header {
  /** Name of the file: one that was copied to another day or tree says nothing there. */
  readonly name: string;
  readonly facts: FolderFacts;
  readonly skipped: number;
  readonly files: Section;
  readonly tables: readonly { readonly count: number; readonly columns: Section; readonly text: Section }[];
}

/**
 * Reads the index of a day.
 *
 * @returns undefined when it is missing, of another layout, or damaged in any byte
 */
export function loadDay(path: string): LoadedDay | undefined {
  let file: OpenFile | undefined;
  try {
    file = new OpenFile(path);
    const header = readHeader(file);
    if (header?.name !== basename(path)) throw new RangeError('of another folder');
    const files = FileTable.decode(checked(file, header.files));
    const tables: PartTable[] = [];
    for (const { count, columns, text } of header.tables) {
      if (columns.length !== columnBytes(count)) throw new RangeError('columns of another length');
      const bytes = new Uint8Array(columns.length);
      file.readInto(bytes, columns.at);
      if (crc32(bytes) !== columns.crc) throw new RangeError('checksum');
      check(file, text);
      tables.push(new PartTable(bytes.buffer, { count, textBytes: text.length }, new FileText(file, text.at)));
    }
    return { facts: header.facts, skipped: header.skipped, files, tables, file };
  } catch {
    // Whatever is wrong with it: it is made again from the files of the folder.
    file?.close();
    return undefined;
  }
}

function readHeader(file: OpenFile): Header | undefined {
  const head = file.read(0, HEAD_BYTES);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const length = head.readUInt32LE(MAGIC.length);
  if (length > MAX_HEADER_BYTES) return undefined;
  return JSON.parse(
    checked(file, { at: HEAD_BYTES, length, crc: head.readUInt32LE(MAGIC.length + 4) }).toString(),
  ) as Header;
}

function checked(file: OpenFile, { at, length, crc }: Section): Buffer {
  const bytes = file.read(at, length);
  if (crc32(bytes) !== crc) throw new RangeError('checksum');
  return bytes;
}

/** The same without holding all of it. */
function check(file: OpenFile, { at, length, crc }: Section): void {
  const buffer = Buffer.allocUnsafe(Math.min(CHECK_BYTES, length));
  let sum = 0;
  for (let done = 0; done < length; done += CHECK_BYTES) {
    const part = buffer.subarray(0, Math.min(CHECK_BYTES, length - done));
    file.readInto(part, at + done);
    sum = crc32(part, sum);
  }
  if (sum !== crc) throw new RangeError('checksum');
}

/**
 * Writes the index of a day beside the old one and puts it in its place, so that a reader finds one or the other, whole.
 * Rejects when the folder of the index cannot be written.
 *
 * @returns the opened file, from which the tables now read their texts
 */
export async function saveDay(path: string, state: DayState): Promise<OpenFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const files = state.files.encode();
  const bodies = [
    files,
    ...state.tables.flatMap((table) => [Buffer.from(table.columns), table.text.read(0, table.textBytes)]),
  ];
  // The header's length decides where the sections begin, and it names them: room for the longest numbers is left.
  const name = basename(path);
  const roomForHeader = 512 + Buffer.byteLength(name) + bodies.length * 96;
  const sections: Section[] = [];
  let at = HEAD_BYTES + roomForHeader;
  for (const body of bodies) {
    at = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
    sections.push({ at, length: body.length, crc: crc32(body) });
    at += body.length;
  }
  const [filesSection, ...tableSections] = sections as [Section, ...Section[]];
  const header: Header = {
    name,
    facts: state.facts,
    skipped: state.skipped,
    files: filesSection,
    tables: state.tables.map(({ count }, n) => ({
      count,
      columns: tableSections[n * 2] as Section,
      text: tableSections[n * 2 + 1] as Section,
    })),
  };
  const text = Buffer.from(JSON.stringify(header).padEnd(roomForHeader));
  if (text.length !== roomForHeader) throw new RangeError('the header is longer than its room');
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(text.length, MAGIC.length);
  head.writeUInt32LE(crc32(text), MAGIC.length + 4);
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.write(head, 0, head.length, 0);
      await handle.write(text, 0, text.length, HEAD_BYTES);
      for (const [n, body] of bodies.entries()) await handle.write(body, 0, body.length, sections[n]?.at ?? 0);
    } finally {
      await handle.close();
    }
    // Opened before it gets its name: under that, another process may put its own file at any moment.
    const file = new OpenFile(draft);
    try {
      await rename(draft, path);
    } catch (error) {
      file.close();
      throw error;
    }
    state.tables.forEach((table, n) => {
      table.text = new FileText(file, header.tables[n]?.text.at ?? 0);
    });
    return file;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
