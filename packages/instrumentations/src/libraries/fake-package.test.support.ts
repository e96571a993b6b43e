import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const { cache } = createRequire(import.meta.url);

/** A `node_modules` in a temporary folder, with packages of the shape that a library has. */
export class FakePackages {
  readonly #folder: string = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-packages-')));

  /** Installs a CommonJS package; `files` by path, the first one is the entry. */
  install(name: string, version: string, files: Readonly<Record<string, string>>): void {
    const target = join(this.#folder, 'node_modules', name);
    for (const [file, source] of Object.entries(files)) {
      mkdirSync(dirname(join(target, file)), { recursive: true });
      writeFileSync(join(target, file), source);
    }
    const [main] = Object.keys(files);
    writeFileSync(join(target, 'package.json'), JSON.stringify({ name, version, main }));
  }

  /** Requires it, as an app would. */
  require(name: string): unknown {
    return createRequire(join(this.#folder, 'app.cjs'))(name);
  }

  remove(): void {
    for (const file of Object.keys(cache)) if (file.startsWith(this.#folder)) Reflect.deleteProperty(cache, file);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
