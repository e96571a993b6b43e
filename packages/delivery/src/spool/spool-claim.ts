import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DropSignal } from '@taskspan/core/hub';
import type { Spool } from './spool.ts';
import { type SpoolFile, SpoolFolder } from './spool-folder.ts';
import { folderName, parseFolderName, type SpoolFolderName } from './spool-names.ts';
import { lifeOf } from './spool-owner.ts';

export interface SpoolClaimOptions {
  readonly spool: Spool;
  readonly root: string;
  readonly nonce: () => string;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/** How often the owner of a folder shows that it lives, in milliseconds. */
export const HEARTBEAT_MS = 10_000;
/** A heartbeat that we saw stand still for so long is that of a dead process. */
const STILL_MS = 30_000;
/** Without having watched it: no clock is wrong by so much, nor any process so busy. */
const LONG_DEAD_MS = 600_000;
const GONE = new Set(['ENOENT', 'EPERM', 'EACCES', 'EBUSY']);

/** A folder that may be claimed. */
interface Dead {
  readonly folder: SpoolFolder;
  readonly files: readonly SpoolFile[];
  readonly name: SpoolFolderName;
  readonly beatMs: number;
}

interface Watched {
  readonly beatMs: number;
  readonly sinceMs: number;
}

/** Finds the spools of processes that are gone, and takes them over: by renaming the folder, so that one wins. */
export class SpoolClaim {
  readonly #options: SpoolClaimOptions;
  readonly #now: () => number;
  /** Heartbeats of owners that cannot be asked, and since when they stand still. */
  readonly #watched = new Map<string, Watched>();

  constructor(options: SpoolClaimOptions) {
    this.#options = options;
    this.#now = options.now ?? ((): number => performance.now());
  }

  /**
   * Looks once. Takes no more than the own limit leaves room for, the longest dead first; the rest is for others, or
   * for later.
   *
   * @returns the signals of which something was taken over; rejects only for trouble that is no race with others
   */
  async scan(): Promise<ReadonlySet<DropSignal>> {
    const signals = new Set<DropSignal>();
    const names = await readdir(this.#options.root, { withFileTypes: true }).catch(() => []);
    const dead: Dead[] = [];
    for (const entry of names) {
      if (!entry.isDirectory() || this.#options.spool.holds(entry.name)) continue;
      const found = await this.#lookAt(entry.name);
      if (found !== undefined) dead.push(found);
    }
    for (const name of this.#watched.keys())
      if (!names.some((entry) => entry.name === name)) this.#watched.delete(name);
    dead.sort((a, b) => a.beatMs - b.beatMs);
    for (const one of dead) for (const signal of await this.#claim(one)) signals.add(signal);
    return signals;
  }

  /** @returns a folder that may be claimed, else undefined */
  async #lookAt(folderName: string): Promise<Dead | undefined> {
    const { root, spool } = this.#options;
    const name = parseFolderName(folderName);
    // What another service has left may be for somebody else than whom we send to.
    if (name === undefined || (name.service ?? spool.service) !== spool.service) return undefined;
    const life = name.owner === 'free' ? 'dead' : lifeOf(name.owner, spool.owner);
    if (life === 'alive') return undefined;
    const folder = new SpoolFolder(join(root, folderName));
    try {
      const beatMs = await folder.lastBeatMs();
      const stoodMs = this.#stoodMs(folderName, beatMs);
      const agoMs = Date.now() - beatMs;
      if (life !== 'dead' && stoodMs < STILL_MS && agoMs < LONG_DEAD_MS) return undefined;
      const files = await folder.list();
      return { folder, files, name, beatMs };
    } catch {
      // Claimed by another process in this moment.
      return undefined;
    }
  }

  /** For how long we saw a heartbeat stand still. Compared with itself only: clocks differ, and are set back. */
  #stoodMs(name: string, beatMs: number): number {
    const now = this.#now();
    const before = this.#watched.get(name);
    if (before?.beatMs === beatMs) return now - before.sinceMs;
    this.#watched.set(name, { beatMs, sinceMs: now });
    return 0;
  }

  async #claim({ folder, files, name }: Dead): Promise<ReadonlySet<DropSignal>> {
    const { spool, nonce } = this.#options;
    try {
      const size = files.reduce((sum, file) => sum + file.size, 0);
      // What alone is more than the limit was written under another limit: it is taken when there is nothing else.
      if (size > spool.room && spool.bytes > 0) return new Set();
      folder.renameTo(folderName({ ...name, owner: spool.owner }, nonce()));
      folder.signOwner();
      await folder.removeUnfinished();
      return await spool.adopt(folder);
    } catch (error) {
      // Another process was faster, or nobody is allowed to.
      if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return new Set();
      throw error;
    }
  }
}
