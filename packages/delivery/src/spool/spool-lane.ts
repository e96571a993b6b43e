import type { SpoolFile, SpoolFolder } from './spool-folder.ts';

/** One body on disk that waits for its turn. */
export interface SpoolEntry extends SpoolFile {
  readonly folder: SpoolFolder;
  /** Folders were taken over in this order; 0 is our own. */
  readonly generation: number;
  /** `accepted`: the receiver has said yes, so that nobody must send it again. */
  state: 'waiting' | 'posting' | 'accepted';
}

/** One that has just been written or found. */
export function newEntry(file: SpoolFile, folder: SpoolFolder): SpoolEntry {
  return { ...file, folder, generation: 0, state: 'waiting' };
}

/** The order in which the bodies of one signal leave, oldest first. Only the index; the disk is the spool's. */
export class SpoolLane {
  readonly #entries: SpoolEntry[] = [];
  #bytes = 0;

  /** What its files take on the disk. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  get oldest(): SpoolEntry | undefined {
    return this.#entries[0];
  }

  /** The oldest that is not being sent right now. */
  get oldestWaiting(): SpoolEntry | undefined {
    return this.#entries.find((entry) => entry.state === 'waiting');
  }

  /** One of those that are not being sent right now: the oldest for 0, and round and round. */
  waiting(turn: number): SpoolEntry | undefined {
    const waiting = this.#entries.filter((entry) => entry.state === 'waiting');
    return waiting[turn % waiting.length];
  }

  get entries(): readonly SpoolEntry[] {
    return this.#entries;
  }

  /** Puts it where it belongs: nearly always at the end. */
  insert(entry: SpoolEntry): void {
    let at = this.#entries.length;
    while (at > 0 && isBefore(entry, this.#entries[at - 1])) at -= 1;
    this.#entries.splice(at, 0, entry);
    this.#bytes += entry.size;
  }

  /** @returns false when it is not here any more */
  delete(entry: SpoolEntry): boolean {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return false;
    this.#entries.splice(at, 1);
    this.#bytes -= entry.size;
    return true;
  }
}

function isBefore(one: SpoolEntry, other: SpoolEntry | undefined): boolean {
  if (other === undefined) return false;
  if (one.generation !== other.generation) return one.generation < other.generation;
  return one.ordinal < other.ordinal;
}
