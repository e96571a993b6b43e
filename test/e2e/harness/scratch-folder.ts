import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for the time of a test. */
export class ScratchFolder {
  readonly path: string = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-e2e-')));

  /** Path of a folder below this one, made when it is not there. */
  folder(...names: readonly string[]): string {
    const path = join(this.path, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Removes it with all that is in it; to be called when nobody writes to it any more. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
