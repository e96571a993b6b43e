import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { type AwaitedLoad, ModuleWatch } from './module-watch.ts';

type Load = (...args: unknown[]) => unknown;
const loader = Module as unknown as { _load: Load; prototype: { require: (this: unknown, id: string) => unknown } };

describe('ModuleWatch', () => {
  let folder: string;
  let requireHere: NodeJS.Require;
  let watch: ModuleWatch;
  let seen: AwaitedLoad[];
  let stop: () => void;
  const original = loader._load;
  const { require: before } = loader.prototype;

  function write(name: string, text: string): string {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Notes each load, and waits no longer for that package. */
  const note = (load: AwaitedLoad): boolean => {
    seen.push(load);
    return true;
  };
  const names = (): string[] => seen.map(({ name }) => name);

  beforeEach(() => {
    // Require hooks of tests in the same process answer from a cache of their own.
    loader.prototype.require = function (id) {
      return loader._load(id, this, false);
    };
    folder = mkdtempSync(join(tmpdir(), 'taskspan-watch-'));
    for (const name of ['left', 'right', 'left-over', '@scope/left']) {
      write(`node_modules/${name}/index.js`, 'exports.name = __filename; exports.inner = require("./inner.js");');
      write(`node_modules/${name}/inner.js`, 'exports.value = 1;');
    }
    requireHere = createRequire(join(folder, 'app.js'));
    watch = new ModuleWatch();
    seen = [];
    stop = () => {};
  });

  afterEach(() => {
    stop();
    loader.prototype.require = before;
    rmSync(folder, { recursive: true, force: true });
    assert.equal(loader._load, original, 'no trace of it is left');
  });

  it('tells of each package once, with its file and who asks for it, scoped names too', () => {
    stop = watch.await(['left', '@scope/left'], note);
    requireHere('left-over');
    requireHere('right');
    assert.deepEqual(seen, []);
    const by = write('asks.js', "module.exports = [require('left'), require('@scope/left'), require('left')];");
    requireHere(by);
    requireHere('left');
    const at = (name: string): string => join(folder, 'node_modules', name, 'index.js');
    assert.deepEqual(seen, [
      { name: 'left', file: at('left'), by },
      { name: '@scope/left', file: at(`@scope${sep}left`), by },
    ]);
  });

  it('tells before the package is loaded, and a hook of require that is made then sees all of it', () => {
    const { require } = loader.prototype;
    const hooked: string[] = [];
    stop = watch.await(['left'], (load) => {
      assert.equal(load.file in requireHere.cache, false);
      loader.prototype.require = function (id) {
        hooked.push(id);
        const exports = Reflect.apply(require, this, [id]);
        return id === 'left' ? { patched: exports } : exports;
      };
      return true;
    });
    try {
      const got = requireHere('left') as { patched: { inner: unknown } };
      assert.deepEqual(hooked, ['left', './inner.js']);
      assert.deepEqual(got.patched.inner, { value: 1 });
    } finally {
      loader.prototype.require = require;
    }
  });

  it('has what an ES module asks for loaded through require, and puts there what comes from it', () => {
    const { require } = loader.prototype;
    stop = watch.await(['left'], (load) => {
      assert.equal(load.by, undefined);
      loader.prototype.require = function (id) {
        const exports = Reflect.apply(require, this, [id]) as object;
        return id === load.file ? { ...exports, name: 'patched' } : exports;
      };
      return true;
    });
    const file = join(folder, 'node_modules', 'left', 'index.js');
    try {
      // As Node does it for an import of a CommonJS file: by its path, and without a parent.
      loader._load(file, undefined, false);
      assert.equal((requireHere.cache[file] as { exports: { name: string } }).exports.name, 'patched');
    } finally {
      loader.prototype.require = require;
    }
  });

  it('finds packages of pnpm, by their path, and by what a package.json calls them', () => {
    const inside = 'node_modules/.pnpm/left@1.0.0/node_modules/left/index.js';
    const file = write(inside, 'exports.name = __filename;');
    write('package.json', JSON.stringify({ name: 'app', imports: { '#jobs/left': 'left' } }));
    stop = watch.await(['left'], (load) => {
      seen.push(load);
      return false;
    });
    requireHere(file);
    requireHere('#jobs/left');
    assert.deepEqual(names(), ['left', 'left']);
    assert.equal(seen[0]?.file, file);
  });

  it('does not take a file of the application for a package of that name', () => {
    write('left/index.js', 'exports.own = true;');
    write('lib/left.js', 'exports.own = true;');
    stop = watch.await(['left'], note);
    assert.deepEqual(requireHere('./left'), { own: true });
    assert.deepEqual(requireHere('./lib/left'), { own: true });
    assert.deepEqual(seen, []);
    requireHere('left');
    assert.deepEqual(names(), ['left']);
  });

  it('tells again as long as it is not told enough, and never of what is loaded meanwhile', () => {
    let enough = false;
    stop = watch.await(['left'], (load) => {
      seen.push(load);
      requireHere('left/inner.js');
      return enough;
    });
    requireHere('left');
    requireHere('left');
    assert.equal(seen.length, 2);
    enough = true;
    requireHere('left');
    requireHere('left');
    assert.equal(seen.length, 3);
  });

  it('tells of what is built in, under both of its names', () => {
    stop = watch.await(['worker_threads'], note);
    requireHere('node:worker_threads');
    assert.deepEqual(
      seen.map(({ name, file }) => [name, file]),
      [['worker_threads', 'worker_threads']],
    );
  });

  it('does not tell after it was stopped, not even below the wrapper of another', () => {
    stop = watch.await(['left'], note);
    const ours = loader._load;
    loader._load = (...args) => Reflect.apply(ours, loader, args);
    try {
      stop();
      requireHere('left');
      assert.deepEqual(seen, []);
      // Started again, it does not wrap itself a second time.
      stop = watch.await(['right'], note);
      requireHere('right');
      assert.deepEqual(names(), ['right']);
      stop();
    } finally {
      loader._load = original;
    }
  });

  it('passes on what cannot be resolved, and what throws when it is loaded', () => {
    stop = watch.await(['left', 'broken'], note);
    write('node_modules/broken/index.js', 'throw new RangeError("as it is");');
    assert.throws(() => requireHere('left/nothing'), { code: 'MODULE_NOT_FOUND' });
    assert.throws(() => requireHere('broken'), { name: 'RangeError', message: 'as it is' });
    assert.deepEqual(names(), ['broken']);
  });
});
