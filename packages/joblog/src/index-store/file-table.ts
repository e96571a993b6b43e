/** The files of a day's folder that the index has read: how large and how old each was, and how far it was read. */
import { textHash } from './text-hash.ts';

const COLUMNS = ['size', 'mtimeMs', 'readTo'] as const;
const BYTES_PER_FILE: number = COLUMNS.length * 8 + 8 + 1;
const FIRST_CAPACITY = 64;

/** What a file was when it was last looked at. */
export interface FileFacts {
  /** Bytes; -1 before it was looked at. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Offset of the first line that is not read yet, before any compression. */
  readonly readTo: number;
  /** True for one that is looked at each time: many share it, or a run in it is open. */
  readonly isRestless: boolean;
}

const GONE = 2;
const RESTLESS = 1;

/** A million names as strings in a map would be 200 MB: here a file takes its name and 45 bytes. */
export class FileTable {
  #count = 0;
  #size: Float64Array = new Float64Array(0);
  #mtimeMs: Float64Array = new Float64Array(0);
  #readTo: Float64Array = new Float64Array(0);
  #nameAt: Uint32Array = new Uint32Array(0);
  #hash: Uint32Array = new Uint32Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  #names: Buffer = Buffer.alloc(0);
  #nameBytes = 0;
  /** Those that are looked at each time. */
  readonly #restless = new Set<number>();
  /** Open addressing: number of the file and 1; 0 is free. */
  #slots: Uint32Array = new Uint32Array(0);

  /** Numbers given so far: those of files that are gone are not given again. */
  get count(): number {
    return this.#count;
  }

  /** The number of a file; undefined for one that is not known, or gone. */
  find(name: string): number | undefined {
    const hash = textHash(name);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; mask >= 0; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] ?? 0;
      if (entry === 0) return undefined;
      const file = entry - 1;
      if (this.#hash[file] === hash && !this.isGone(file) && this.name(file) === name) return file;
    }
    return undefined;
  }

  add(name: string): number {
    const file = this.#count;
    this.#reserve(file + 1, this.#nameBytes + Buffer.byteLength(name));
    this.#size[file] = -1;
    this.#nameAt[file] = this.#nameBytes;
    this.#hash[file] = textHash(name);
    this.#nameBytes += this.#names.write(name, this.#nameBytes);
    this.#count += 1;
    this.#occupy(file);
    return file;
  }

  /** The same file under another name: its old one is gone. */
  rename(file: number, name: string): number {
    const renamed = this.add(name);
    this.set(renamed, this.facts(file));
    this.remove(file);
    return renamed;
  }

  name(file: number): string {
    const end = file + 1 < this.#count ? this.#nameAt[file + 1] : this.#nameBytes;
    return this.#names.toString('utf8', this.#nameAt[file], end);
  }

  facts(file: number): FileFacts {
    return {
      size: this.#size[file] ?? -1,
      mtimeMs: this.#mtimeMs[file] ?? 0,
      readTo: this.#readTo[file] ?? 0,
      isRestless: ((this.#flags[file] ?? 0) & RESTLESS) !== 0,
    };
  }

  mtimeMs(file: number): number {
    return this.#mtimeMs[file] ?? 0;
  }

  isRestless(file: number): boolean {
    return this.#flags[file] === RESTLESS;
  }

  /** The numbers of those that are restless, or were not long ago. */
  get restless(): Iterable<number> {
    return this.#restless;
  }

  /** Looks at a file each time from now on, until {@link calm}. */
  watch(file: number): void {
    this.#restless.add(file);
  }

  calm(file: number): void {
    if (!this.isRestless(file)) this.#restless.delete(file);
  }

  isSame(file: number, size: number, mtimeMs: number): boolean {
    return this.#size[file] === size && this.#mtimeMs[file] === mtimeMs;
  }

  set(file: number, { size, mtimeMs, readTo, isRestless }: FileFacts): void {
    this.#size[file] = size;
    this.#mtimeMs[file] = mtimeMs;
    this.#readTo[file] = readTo;
    this.#flags[file] = isRestless ? RESTLESS : 0;
    if (isRestless) this.#restless.add(file);
  }

  remove(file: number): void {
    this.#flags[file] = GONE;
    this.#restless.delete(file);
  }

  isGone(file: number): boolean {
    return this.#flags[file] === GONE;
  }

  /** Bytes that it keeps in memory. */
  get bytes(): number {
    return this.#size.length * (BYTES_PER_FILE + 8) + this.#names.length;
  }

  /** As it is kept in the index. */
  encode(): Buffer {
    const count = this.#count;
    const head = Buffer.alloc(8);
    head.writeUInt32LE(count, 0);
    head.writeUInt32LE(this.#nameBytes, 4);
    const columns = [this.#size, this.#mtimeMs, this.#readTo, this.#nameAt, this.#hash, this.#flags];
    return Buffer.concat([
      head,
      ...columns.map((column) => new Uint8Array(column.buffer, 0, count * column.BYTES_PER_ELEMENT)),
      this.#names.subarray(0, this.#nameBytes),
    ]);
  }

  static decode(bytes: Buffer): FileTable {
    const table = new FileTable();
    const count = bytes.readUInt32LE(0);
    const nameBytes = bytes.readUInt32LE(4);
    table.#reserve(count, nameBytes);
    let at = 8;
    for (const column of [table.#size, table.#mtimeMs, table.#readTo, table.#nameAt, table.#hash, table.#flags]) {
      const length = count * column.BYTES_PER_ELEMENT;
      new Uint8Array(column.buffer, 0, length).set(bytes.subarray(at, at + length));
      at += length;
    }
    bytes.copy(table.#names, 0, at, at + nameBytes);
    table.#nameBytes = nameBytes;
    table.#count = count;
    for (let file = 0; file < count; file += 1) {
      table.#occupy(file);
      if (table.isRestless(file)) table.#restless.add(file);
    }
    return table;
  }

  #occupy(file: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#hash[file] ?? 0) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = file + 1;
  }

  #reserve(files: number, nameBytes: number): void {
    if (nameBytes > this.#names.length) {
      const names = Buffer.alloc(Math.max(nameBytes, Math.ceil(this.#names.length * 1.5)));
      this.#names.copy(names);
      this.#names = names;
    }
    if (files <= this.#size.length) return;
    const capacity = Math.max(FIRST_CAPACITY, files, Math.ceil(this.#size.length * 1.5));
    this.#size = grown(new Float64Array(capacity), this.#size);
    this.#mtimeMs = grown(new Float64Array(capacity), this.#mtimeMs);
    this.#readTo = grown(new Float64Array(capacity), this.#readTo);
    this.#nameAt = grown(new Uint32Array(capacity), this.#nameAt);
    this.#hash = grown(new Uint32Array(capacity), this.#hash);
    this.#flags = grown(new Uint8Array(capacity), this.#flags);
    // At most two thirds full.
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(capacity * 1.5)));
    for (let file = 0; file < this.#count; file += 1) this.#occupy(file);
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(column: T, from: T): T {
  column.set(from);
  return column;
}
