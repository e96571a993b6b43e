import { lstat, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DropSignal } from '@taskspan/core/hub';
import type { RequestBody } from '../send-result.ts';
import { diskSize, makeFolder } from './spool-folder.ts';
import { fileName, parseFileName } from './spool-names.ts';

export interface RefusedBodiesOptions {
  /** The folder of the spool. */
  readonly root: string;
  /** What all of them may take, those of other processes included. */
  readonly maxBytes: number;
  /** Keeps our names and those of other processes apart. */
  readonly writer: string;
}

/**
 * What a receiver will never take, set aside for a person to look at: `<spool>/refused`. Shared by all processes, and
 * bounded: the oldest go. Nothing in it is sent again, unless somebody renames the folder to `v1.free.<any name>`.
 */
export class RefusedBodies {
  readonly #options: RefusedBodiesOptions;
  readonly path: string;
  #ordinal = 0;
  /** What the folder held when it was last looked at, and what was added since. */
  #knownBytes = Number.POSITIVE_INFINITY;
  #addedBytes = 0;

  constructor(options: RefusedBodiesOptions) {
    this.#options = options;
    this.path = join(options.root, 'refused');
  }

  /** @returns false when it cannot be kept: the disk does not let us, or it is larger than all may be */
  async keep(signal: DropSignal, body: RequestBody): Promise<boolean> {
    const { root, maxBytes, writer } = this.#options;
    const size = diskSize(body.bytes.byteLength);
    if (size > maxBytes) return false;
    const name = fileName(
      {
        ordinal: this.#ordinal++,
        createdMs: Date.now(),
        signal,
        last: false,
        items: body.items,
        format: body.format,
        gzip: body.gzip,
      },
      writer,
    );
    try {
      for (const path of [dirname(root), root, this.path]) makeFolder(path);
      // Looking at each file each time would cost more than writing one: again after a tenth of the limit.
      if (this.#knownBytes + this.#addedBytes + size > maxBytes || this.#addedBytes > maxBytes / 10) {
        await this.#makeRoom(size);
      }
      await writeFile(join(this.path, name), body.bytes, { mode: 0o600 });
      this.#addedBytes += size;
      return true;
    } catch {
      // The caller counts and reports what was refused in any case; where the bytes are is the lesser news.
      return false;
    }
  }

  async #makeRoom(needed: number): Promise<void> {
    const files: { readonly name: string; readonly createdMs: number; readonly size: number }[] = [];
    for (const name of await readdir(this.path)) {
      const parsed = parseFileName(name);
      const stat = parsed && (await lstat(join(this.path, name)).catch(() => undefined));
      if (stat?.isFile() === true) files.push({ name, createdMs: parsed?.createdMs ?? 0, size: diskSize(stat.size) });
    }
    files.sort((a, b) => a.createdMs - b.createdMs || (a.name < b.name ? -1 : 1));
    let total = files.reduce((sum, file) => sum + file.size, 0);
    for (const { name, size } of files) {
      if (total + needed <= this.#options.maxBytes) break;
      await rm(join(this.path, name), { force: true });
      total -= size;
    }
    this.#knownBytes = total;
    this.#addedBytes = 0;
  }
}
