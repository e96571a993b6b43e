import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { findAppPackage, scriptName } from './app-package.ts';

describe('findAppPackage', () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-app-')));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function file(path: string, content: unknown = ''): string {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
    return full;
  }

  it('goes upward from the script, past files without a name', () => {
    file('app/package.json', { name: 'shop', version: '1.2.3' });
    file('app/dist/package.json', { type: 'module' });
    file('app/dist/broken/package.json', '{');
    const script = file('app/dist/broken/main.js');
    const expected = { folder: join(root, 'app'), name: 'shop', version: '1.2.3' };
    assert.deepEqual(findAppPackage({ script, cwd: '/' }), expected);
  });

  it('takes the nearest one without a name when there is no other', () => {
    file('plain/package.json', { type: 'module' });
    file('plain/src/package.json', {});
    const script = file('plain/src/main.js');
    const expected = { folder: join(root, 'plain', 'src'), name: undefined, version: undefined };
    assert.deepEqual(findAppPackage({ script, cwd: join(root, 'plain') }), expected);
  });

  it('follows links to the real script', () => {
    file('app/package.json', { name: 'shop' });
    const script = file('app/main.js');
    mkdirSync(join(root, 'bin'));
    symlinkSync(script, join(root, 'bin', 'shop'));
    assert.equal(findAppPackage({ script: join(root, 'bin', 'shop'), cwd: '/' })?.name, 'shop');
  });

  it('takes the working folder when the script is a tool below node_modules, or none', () => {
    file('app/package.json', { name: 'shop' });
    file('app/node_modules/runner/package.json', { name: 'runner', version: '1.0.0' });
    const script = file('app/node_modules/runner/bin/run.js');
    const cwd = join(root, 'app');
    assert.equal(findAppPackage({ script, cwd })?.name, 'shop');
    assert.equal(findAppPackage({ script, cwd: '/' })?.name, 'runner');
    assert.equal(findAppPackage({ cwd })?.name, 'shop');
    assert.equal(findAppPackage({ script: join(root, 'gone', 'main.js'), cwd })?.name, 'shop');
    assert.equal(findAppPackage({}), undefined);
  });

  it('names a script by its file', () => {
    assert.deepEqual(
      ['/a/worker.mjs', 'index', '/', '-', undefined].map((script) => scriptName(script)),
      ['worker', 'index', undefined, undefined, undefined],
    );
  });
});
