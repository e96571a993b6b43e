import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installedPackage, installedPackages } from './installed-package.ts';

describe('installed packages', () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-installed-')));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(path: string, content: unknown): string {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }

  /** What a manifest means, and the shapes of known packages that have it. */
  const FORMATS: readonly (readonly [manifest: object, format: string, like: string])[] = [
    [{}, 'commonjs', 'nothing said'],
    [{ main: 'dist/cjs/index.js', module: 'dist/esm/index.js' }, 'commonjs', 'bullmq'],
    [{ type: 'module', exports: './dist/index.js' }, 'module', 'p-queue'],
    [{ type: 'module', main: 'dist/index.js' }, 'module', 'pg-boss 12'],
    [{ type: 'module', exports: { '.': { types: './a.d.ts', default: './dist/index.js' } } }, 'module', 'tinypool'],
    [{ exports: { '.': { import: './dist/i.mjs', require: './dist/i.cjs' } } }, 'both', 'node-cron'],
    [
      {
        type: 'module',
        exports: {
          '.': {
            import: { types: './x.d.ts', default: './a.js' },
            require: { types: './x.d.cts', default: './a.cjs' },
          },
        },
      },
      'both',
      'croner',
    ],
    [{ type: 'module', exports: { '.': { import: './a.js', require: './b/x.js' } } }, 'module', 'ES modules by both'],
    [
      { main: 'index', exports: { node: { import: './wrapper.mjs', require: './index.js' } } },
      'both',
      'conditions alone',
    ],
    [{ exports: ['./index.mjs'] }, 'module', 'a list'],
    [{ exports: { import: './esm/index.js', require: './index.js' } }, 'both', 'a nearer package.json'],
    [{ exports: { browser: './b.mjs' } }, 'commonjs', 'nothing for Node'],
  ];

  for (const [manifest, format, like] of FORMATS) {
    it(`are of the format ${format} when they are like ${like}`, () => {
      write('node_modules/lib/package.json', { version: '1.2.3', ...manifest });
      write('node_modules/lib/esm/package.json', { type: 'module' });
      const found = installedPackage('lib', root);
      assert.deepEqual([found?.format, found?.version], [format, '1.2.3']);
    });
  }

  it('are looked for upwards, with or without a scope, and where both script and working folder stand', () => {
    write('node_modules/@scope/far/package.json', { version: '1.0.0' });
    write('app/node_modules/near/package.json', { version: '2.0.0' });
    write('other/node_modules/beside/package.json', { version: '3.0.0' });
    const script = write('app/src/main.js', '');
    const names = ['@scope/far', 'near', 'beside', 'nowhere'];
    const found = installedPackages(names, { script, cwd: join(root, 'other') });
    assert.ok(found !== 'unknown');
    assert.deepEqual(found.map(({ name }) => name).sort(), ['@scope/far', 'beside', 'near']);
    assert.equal(installedPackage('near', join(root, 'app/src'))?.version, '2.0.0');
    assert.equal(installedPackage('near', root), undefined);
  });

  it('are looked for from the real path of a script that is a link', () => {
    write('real/node_modules/lib/package.json', { version: '1.0.0' });
    const script = write('real/bin.js', '');
    mkdirSync(join(root, 'bin'));
    symlinkSync(script, join(root, 'bin/tool'));
    const found = installedPackages(['lib'], { script: join(root, 'bin/tool'), cwd: undefined });
    assert.ok(found !== 'unknown' && found.length === 1);
  });

  it('are found in the place where pnpm keeps those of others', () => {
    write('node_modules/.pnpm/node_modules/lib/package.json', { type: 'module', exports: './i.js' });
    const found = installedPackages(['lib', 'other'], { cwd: root });
    assert.ok(found !== 'unknown');
    assert.deepEqual(
      found.map(({ name, format }) => [name, format]),
      [['lib', 'module']],
    );
  });

  for (const [store, file] of [
    ['pnpm that hoists nothing', 'node_modules/.pnpm/lib@1.0.0/node_modules/lib/package.json'],
    ['a linked store', 'node_modules/.store/lib@1.0.0-abc/node_modules/lib/package.json'],
    ["Plug'n'Play", '.pnp.cjs'],
  ] as const) {
    it(`are unknown below ${store}`, () => {
      write(file, '{}');
      assert.equal(installedPackages(['lib'], { cwd: join(root, 'packages/app') }), 'unknown');
    });
  }

  it('whose manifest cannot be read are there, without a version', () => {
    write('node_modules/lib/package.json', '{broken');
    assert.deepEqual(installedPackage('lib', root)?.version, undefined);
    assert.equal(installedPackage('lib', root)?.format, 'commonjs');
  });
});
