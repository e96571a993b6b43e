import type { SpoolOwner } from './spool-names.ts';

export interface SpoolOptions {
  /** The folder of all spools; made when it is needed. */
  readonly root: string;
  /** What the disk may hold of this process, in bytes. */
  readonly maxBytes: number;
  readonly owner: SpoolOwner;
  /** Whose data it is, see `serviceKey`; undefined: anybody's. */
  readonly service: string | undefined;
  /** Makes a name that nobody else makes: letters and digits. */
  readonly nonce: () => string;
  /** How fast what is on disk leaves, in bytes per second before compression. Default 8 MiB. */
  readonly bytesPerSecond?: number | undefined;
}
