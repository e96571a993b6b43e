import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onceResolved } from './module-watch.ts';

const loader = Module as unknown as { _resolveFilename: (...args: unknown[]) => unknown };

describe('onceResolved', () => {
  let folder: string;
  let requireHere: NodeJS.Require;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-watch-'));
    for (const name of ['left', 'right', 'left-over']) {
      mkdirSync(join(folder, 'node_modules', name), { recursive: true });
      writeFileSync(join(folder, 'node_modules', name, 'index.js'), 'exports.name = __filename;');
    }
    requireHere = createRequire(join(folder, 'app.js'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('calls once, for the first file of any of the packages, and leaves no trace', () => {
    const before = loader._resolveFilename;
    let calls = 0;
    onceResolved(['left', 'right'], () => {
      calls += 1;
    });
    requireHere('left-over');
    assert.equal(calls, 0);
    requireHere('right');
    assert.equal(calls, 1);
    requireHere('left');
    assert.equal(calls, 1);
    assert.equal(loader._resolveFilename, before);
  });

  it('calls before the file is loaded', () => {
    let cached: boolean | undefined;
    onceResolved(['left'], () => {
      cached = join(folder, 'node_modules', 'left', 'index.js') in requireHere.cache;
    });
    requireHere('left');
    assert.equal(cached, false);
  });

  it('sees what an ES module imports', async () => {
    let calls = 0;
    const stop = onceResolved(['left'], () => {
      calls += 1;
    });
    writeFileSync(join(folder, 'node_modules', 'left', 'index.js'), "module.exports = require('./inner.js');");
    writeFileSync(join(folder, 'node_modules', 'left', 'inner.js'), 'exports.value = 1;');
    writeFileSync(join(folder, 'app.mjs'), "import left from 'left'; export default left;");
    await import(pathToFileURL(join(folder, 'app.mjs')).href);
    stop();
    assert.equal(calls, 1);
  });

  it('does not call after it was stopped, not even below the wrapper of another', () => {
    const before = loader._resolveFilename;
    let calls = 0;
    const stop = onceResolved(['left'], () => {
      calls += 1;
    });
    const ours = loader._resolveFilename;
    loader._resolveFilename = (...args) => Reflect.apply(ours, loader, args);
    try {
      stop();
      assert.notEqual(loader._resolveFilename, before, 'the wrapper of the other stays');
      requireHere('left');
      assert.equal(calls, 0);
    } finally {
      loader._resolveFilename = before;
    }
  });

  it('passes on what cannot be resolved', () => {
    const stop = onceResolved(['left'], () => undefined);
    try {
      assert.throws(() => requireHere('left/nothing'), { code: 'MODULE_NOT_FOUND' });
    } finally {
      stop();
    }
  });
});
