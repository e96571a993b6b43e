import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DropSignal } from '@taskspan/core/hub';
import type { Spool } from './spool.ts';
import { SpoolFolder } from './spool-folder.ts';
import { folderName, parseFolderName } from './spool-names.ts';
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
    const dead: { readonly name: string; readonly beatMs: number }[] = [];
    for (const entry of names) {
      if (!entry.isDirectory() || this.#options.spool.holds(entry.name)) continue;
      const beatMs = await this.#deadSince(entry.name);
      if (beatMs !== undefined) dead.push({ name: entry.name, beatMs });
    }
    for (const name of this.#watched.keys())
      if (!names.some((entry) => entry.name === name)) this.#watched.delete(name);
    dead.sort((a, b) => a.beatMs - b.beatMs);
    for (const { name } of dead) for (const signal of await this.#claim(name)) signals.add(signal);
    return signals;
  }

  /** @returns the last heartbeat of a folder that may be claimed, else undefined */
  async #deadSince(name: string): Promise<number | undefined> {
    const owner = parseFolderName(name);
    if (owner === undefined) return undefined;
    const life = owner === 'free' ? 'dead' : lifeOf(owner, this.#options.spool.owner);
    if (life === 'alive') return undefined;
    const folder = new SpoolFolder(join(this.#options.root, name));
    try {
      const beatMs = await folder.lastBeatMs();
      return life === 'dead' || this.#stoodStill(name, beatMs) ? beatMs : undefined;
    } catch {
      // Claimed by another process in this moment.
      return undefined;
    }
  }

  /** Compares a heartbeat with itself only: clocks of two machines differ, and clocks are set back. */
  #stoodStill(name: string, beatMs: number): boolean {
    const now = this.#now();
    const before = this.#watched.get(name);
    if (before?.beatMs !== beatMs) this.#watched.set(name, { beatMs, sinceMs: now });
    const stoodMs = before?.beatMs === beatMs ? now - before.sinceMs : 0;
    return stoodMs >= STILL_MS || Date.now() - beatMs >= LONG_DEAD_MS;
  }

  async #claim(name: string): Promise<ReadonlySet<DropSignal>> {
    const { spool, root, nonce } = this.#options;
    const folder = new SpoolFolder(join(root, name));
    try {
      const size = (await folder.list()).reduce((sum, file) => sum + file.size, 0);
      // What alone is more than the limit was written under another limit: it is taken when there is nothing else.
      if (size > spool.room && spool.bytes > 0) return new Set();
      folder.renameTo(folderName(spool.owner, nonce()));
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
