import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { clearReports, type DropSignal, reportOnce, safely } from '@taskspan/core/hub';
import { byteSize } from '../byte-size.ts';
import type { DeliveryReport } from '../delivery-report.ts';
import type { RequestBody } from '../send-result.ts';
import { packBody } from './packed-body.ts';
import { RefusedBodies } from './refused-bodies.ts';
import { diskSize, SpoolFolder } from './spool-folder.ts';
import { type Lanes, SpoolIndex } from './spool-index.ts';
import { describeItem, type SpoolItem } from './spool-item.ts';
import { newEntry, type SpoolEntry } from './spool-lane.ts';
import { fileName, folderName, freedName, type SpoolFileName, type SpoolOwner } from './spool-names.ts';
import type { SpoolOptions } from './spool-options.ts';
import { spoolPlace } from './spool-place.ts';
import { TokenBucket } from './token-bucket.ts';

interface PendingWrite {
  readonly signal: DropSignal;
  readonly item: SpoolItem;
  /** Known once the bytes are packed. */
  file: SpoolFileName | undefined;
}

/** A receiver that just came back must not be run down by what waited for it. */
const DRAIN_BYTES_PER_SECOND = 8 * 1024 * 1024;
/** Passing trouble of the process itself, no fault of the file. */
const PASSING = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']);
const DISK_REPORT = 'spool disk';

/** What waits on disk until a receiver takes it: bounded, the oldest goes first, all losses are counted. */
export class Spool {
  readonly refused: RefusedBodies;
  /** One for all that is sent from the disk. */
  readonly bucket: TokenBucket;
  readonly #options: SpoolOptions;
  readonly #index = new SpoolIndex();
  #folder: SpoolFolder | undefined;
  readonly #claimed = new Set<SpoolFolder>();
  readonly #pending = new Set<PendingWrite>();
  #writing: Promise<unknown> = Promise.resolve();
  #generation = 0;
  /** Counts the ends of the process that were announced: writes begun before one are that end's to finish. */
  #exits = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.bucket = new TokenBucket(options.bytesPerSecond ?? DRAIN_BYTES_PER_SECOND);
    const { root, maxBytes, nonce } = options;
    this.refused = new RefusedBodies({ root, maxBytes: Math.floor(maxBytes / 10), writer: nonce().slice(0, 8) });
  }

  /** Says whom to tell about a signal. */
  setReport(report: DeliveryReport): void {
    this.#index.setReport(report);
  }

  lanes(signal: DropSignal): Lanes {
    return this.#index.lanes(signal);
  }

  /** What all of it takes on the disk. */
  get bytes(): number {
    return this.#index.bytes;
  }

  /** Bytes that may still be taken over from others. */
  get room(): number {
    return this.#options.maxBytes - this.#index.bytes;
  }

  /** Where it is, for a warning. */
  get place(): string {
    return spoolPlace(this.#options.root, this.#options.maxBytes);
  }

  get owner(): SpoolOwner {
    return this.#options.owner;
  }

  get service(): string | undefined {
    return this.#options.service;
  }

  /** True for folders that this object works with. */
  holds(name: string): boolean {
    return [this.#folder, ...this.#claimed].some((folder) => folder?.name === name);
  }

  isWriting(signal: DropSignal): boolean {
    return [...this.#pending].some((pending) => pending.signal === signal);
  }

  /**
   * Writes a request to the disk; one after the other, in the order of the calls. Never rejects.
   *
   * @returns false when the disk does not take it; true when the caller has nothing to do with it any more
   */
  async put(signal: DropSignal, item: SpoolItem): Promise<boolean> {
    return (await this.#enter(signal, item)) !== 'failed';
  }

  /** As `put`, for a request that is on its way: nobody sends it until its state is `waiting`. */
  async hold(signal: DropSignal, item: SpoolItem): Promise<SpoolEntry | undefined> {
    const entry = await this.#enter(signal, item, true);
    return typeof entry === 'object' ? entry : undefined;
  }

  async #enter(signal: DropSignal, item: SpoolItem, isHeld = false): Promise<SpoolEntry | 'gone' | 'failed'> {
    const exits = this.#exits;
    const pending: PendingWrite = { signal, item, file: undefined };
    this.#pending.add(pending);
    const turn = this.#writing.then(() => this.#write(pending, exits));
    this.#writing = turn.catch(() => undefined);
    try {
      const entry = await turn;
      // After an announced end of the process its handler has seen to it.
      if (entry === undefined || exits !== this.#exits) return 'gone';
      if (isHeld) entry.state = 'posting';
      this.#index.insert('own', entry);
      this.bucket.give(item.body.bytes.byteLength);
      clearReports(DISK_REPORT);
      return entry;
    } catch (error) {
      if (exits !== this.#exits) return 'gone';
      this.#reportDisk(error);
      return 'failed';
    } finally {
      this.#pending.delete(pending);
    }
  }

  /** As `put`, in an exit handler. Never throws. */
  putSync(signal: DropSignal, item: SpoolItem): boolean {
    const { body } = item;
    if (!this.#makeRoom(signal, body)) return true;
    try {
      this.#folder ??= this.#makeFolder();
      const file = this.#folder.writeSync(describeItem(signal, item), body.bytes);
      this.#index.insert(item.last === true ? 'last' : 'own', newEntry(file, this.#folder));
      return true;
    } catch (error) {
      this.#reportDisk(error);
      return false;
    }
  }

  /** Keeps the last point of cumulative metrics, in place of the one before. Never rejects. */
  async putLast(item: SpoolItem): Promise<boolean> {
    const exits = this.#exits;
    try {
      const body = await packBody(item.body);
      if (exits !== this.#exits) return true;
      this.#folder ??= this.#makeFolder();
      const folder = this.#folder;
      const file = await folder.write(describeItem('metrics', { ...item, body, last: true }), body.bytes);
      if (exits !== this.#exits) return true;
      this.dropLast();
      this.#index.insert('last', newEntry(file, folder));
      return true;
    } catch (error) {
      this.#forgetWhenGone(error);
      this.#reportDisk(error);
      return false;
    }
  }

  /** A newer point was delivered, or takes its place. */
  dropLast(): void {
    for (const entry of [...this.#index.lanes('metrics').last.entries]) this.remove(entry);
  }

  /** @returns the request; `later` when it cannot be read just now; `gone` when it was dropped from the spool */
  async read(entry: SpoolEntry): Promise<RequestBody | 'later' | 'gone'> {
    const { format, gzip, items } = entry;
    try {
      const bytes = await entry.folder.read(entry.name);
      if (bytes.byteLength === 0) throw new Error('it is empty: the power was cut while it was written');
      return { bytes, format, gzip, items };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (PASSING.has(code)) return 'later';
      this.remove(entry);
      // Deleted by somebody, or taken over by a process that believed us dead: then it sends it.
      if (code !== 'ENOENT') {
        this.#index.report(entry.signal)?.lost('disk', items, `${entry.name} cannot be read: ${String(error)}`);
      }
      return 'gone';
    }
  }

  /** Takes it out: it was sent, or will never be. */
  remove(entry: SpoolEntry): void {
    if (!this.#index.delete(entry)) return;
    const { folder } = entry;
    safely('removing a sent file of the spool', () => folder.removeSync(entry.name));
    if (!this.#claimed.has(folder) || this.#index.isUsed(folder)) return;
    this.#claimed.delete(folder);
    safely('removing an empty folder of the spool', () => folder.discard());
  }

  /** Puts several smaller requests in the place of one. Never rejects; false when the disk does not let us. */
  async replace(entry: SpoolEntry, parts: readonly RequestBody[]): Promise<boolean> {
    const { folder, generation, createdMs, signal } = entry;
    const written: SpoolEntry[] = [];
    let { ordinal } = entry;
    try {
      for (const part of parts) {
        const body = await packBody(part);
        const file = await folder.write(describeItem(signal, { body, ordinal, createdMs }), body.bytes);
        written.push({ ...newEntry(file, folder), generation });
        ordinal += part.items;
      }
    } catch (error) {
      for (const { name } of written) safely('removing a part', () => folder.removeSync(name));
      this.#reportDisk(error);
      return false;
    }
    for (const part of written) this.#index.insert(generation === 0 ? 'own' : 'backlog', part);
    this.remove(entry);
    return true;
  }

  /** Takes over what a folder holds that has just been given our name. @returns the signals in it */
  async adopt(folder: SpoolFolder): Promise<ReadonlySet<DropSignal>> {
    const exits = this.#exits;
    this.#claimed.add(folder);
    const generation = ++this.#generation;
    const files = await folder.list();
    if (exits !== this.#exits) return new Set();
    for (const file of files) this.#index.insert('backlog', { ...newEntry(file, folder), generation });
    if (files.length === 0) {
      this.#claimed.delete(folder);
      folder.discard();
    }
    return new Set(files.map((file) => file.signal));
  }

  /** Shows that this process lives. */
  async beat(): Promise<void> {
    for (const folder of [this.#folder, ...this.#claimed]) {
      try {
        await folder?.beat();
      } catch (error) {
        this.#forgetWhenGone(error);
      }
    }
  }

  /**
   * First step of an exit handler: writes under way lead nowhere from now on, and what they were about is finished
   * here. `putSync` may follow, `release` must.
   */
  beginExit(): void {
    this.#exits += 1;
    const pending = [...this.#pending];
    this.#pending.clear();
    const folder = this.#folder;
    safely('closing the spool', () => folder?.renameTo(this.#ownName()));
    for (const { signal, item, file } of pending) {
      const isThere = folder !== undefined && file !== undefined && existsSync(join(folder.path, fileName(file)));
      if (isThere || this.putSync(signal, item)) continue;
      this.#index.report(signal)?.lost('disk', item.body.items, 'neither receiver nor disk took them at the end');
    }
  }

  /** Gives all that waits to the next process, and forgets it. Never throws. */
  release(): void {
    this.#exits += 1;
    // The receiver has them; only the file was not removed yet.
    for (const entry of this.#index.entries().filter(({ state }) => state === 'accepted')) this.remove(entry);
    for (const folder of [this.#folder, ...this.#claimed]) {
      if (folder === undefined) continue;
      safely('giving the spool to the next process', () => {
        if (folder.isEmptySync()) folder.discard();
        else folder.renameTo(freedName(folder.name, this.#options.nonce()));
      });
    }
    this.#folder = undefined;
    this.#claimed.clear();
    for (const entry of this.#index.entries()) this.#index.delete(entry);
  }

  async #write(pending: PendingWrite, exits: number): Promise<SpoolEntry | undefined> {
    const { signal, item } = pending;
    const body = await packBody(item.body);
    if (exits !== this.#exits || !this.#makeRoom(signal, body)) return undefined;
    pending.file = describeItem(signal, { ...item, body });
    for (let attempt = 1; ; attempt += 1) {
      this.#folder ??= this.#makeFolder();
      const folder = this.#folder;
      try {
        return newEntry(await folder.write(pending.file, body.bytes), folder);
      } catch (error) {
        // Somebody has deleted the folder, or believed us dead: a new one.
        if (exits !== this.#exits || !this.#forgetWhenGone(error) || attempt > 1) throw error;
      }
    }
  }

  #makeFolder(): SpoolFolder {
    return SpoolFolder.make(this.#options.root, this.#ownName());
  }

  #ownName(): string {
    return folderName(this.#options, this.#options.nonce());
  }

  /** The oldest go, whatever their signal. @returns false when it can never fit, and was counted */
  #makeRoom(signal: DropSignal, { bytes, items }: RequestBody): boolean {
    const { maxBytes } = this.#options;
    const needed = diskSize(bytes.byteLength);
    if (needed > maxBytes) {
      this.#index
        .report(signal)
        ?.lost('spool_full', items, `one request is larger than the spool of ${byteSize(maxBytes)}`);
      return false;
    }
    while (this.#index.bytes + needed > maxBytes) {
      const oldest = this.#index.oldestWaiting();
      if (oldest === undefined) break;
      this.remove(oldest);
      this.#index
        .report(oldest.signal)
        ?.lost('spool_full', oldest.items, `more than ${byteSize(maxBytes)} wait on disk; the oldest are dropped`);
    }
    return true;
  }

  /** @returns true when our folder is not there any more; its files are somebody else's then */
  #forgetWhenGone(error: unknown): boolean {
    const folder = this.#folder;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder === undefined) return false;
    if (existsSync(folder.path)) return false;
    this.#folder = undefined;
    for (const entry of this.#index.entries(folder)) this.#index.delete(entry);
    reportOnce('spool gone', `${folder.path} was removed or taken over by another process; a new folder is used`);
    return true;
  }

  #reportDisk(error: unknown): void {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    reportOnce(
      DISK_REPORT,
      `the spool in ${this.#options.root} cannot be written (${why}): what cannot be delivered waits in memory`,
    );
  }
}
