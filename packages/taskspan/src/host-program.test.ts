import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { isBeforeApplication, isThreadOfNode, isToolProcess } from './host-program.ts';

const TOOLS = [
  '/usr/lib/node_modules/npm/bin/npm-cli.js',
  '/usr/lib/node_modules/npm/bin/npx-cli.js',
  '/usr/share/nodejs/npm/bin/npm-cli.js',
  'C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npm-cli.js',
  '/usr/bin/npm',
  '/home/me/.nvm/versions/node/v22.12.0/bin/npx',
  '/usr/lib/node_modules/corepack/dist/corepack.js',
  '/usr/lib/node_modules/corepack/dist/npm.js',
  '/usr/lib/node_modules/corepack/dist/yarn.js',
  '/home/me/.cache/node/corepack/v1/pnpm/9.1.0/bin/pnpm.cjs',
  '/home/me/.cache/node/corepack/v1/yarn/4.1.0/yarn.js',
  '/usr/lib/node_modules/pnpm/bin/pnpm.cjs',
  '/usr/lib/node_modules/pnpm/bin/pnpx.cjs',
  '/usr/lib/node_modules/pnpm/dist/pnpm.mjs',
  '/usr/lib/node_modules/yarn/bin/yarn.js',
  '/opt/yarn-v1.22.22/bin/yarn.js',
  '/app/.yarn/releases/yarn-4.1.0.cjs',
  '/app/node_modules/.bin/tsc',
  '/app/node_modules/typescript/bin/tsc',
  '/app/node_modules/typescript/lib/tsc.js',
  '/app/node_modules/@typescript/native-preview/bin/tsgo.js',
  '/app/node_modules/taskspan/dist/cli.js',
  '/app/node_modules/.bin/taskspan',
];

const APPS = [
  undefined,
  '',
  '/app/server.js',
  '/app/src/yarn.js',
  '/app/npm.js',
  '/app/npm/index.js',
  '/app/node_modules/.bin/mocha',
  '/app/node_modules/.bin/tsx',
  '/app/tools/npm/bin/main.js',
  '/app/corepack/server.js',
  '/home/npm/app/bin/worker.js',
];

describe('isToolProcess', () => {
  for (const script of TOOLS) {
    it(`is true in ${script}`, () => assert.equal(isToolProcess(['node', script]), true));
  }
  for (const script of APPS) {
    it(`is false in ${script}`, () => {
      assert.equal(isToolProcess(script === undefined ? ['node'] : ['node', script]), false);
    });
  }

  describe('with links', () => {
    let root: string;
    before(() => {
      root = mkdtempSync(join(tmpdir(), 'taskspan-tools-'));
      mkdirSync(join(root, 'npm', 'bin'), { recursive: true });
      writeFileSync(join(root, 'npm', 'bin', 'npm-cli.js'), '');
      symlinkSync(join(root, 'npm', 'bin', 'npm-cli.js'), join(root, 'installer'));
    });
    after(() => rmSync(root, { recursive: true }));

    it('follows them to the real script', () => {
      assert.equal(isToolProcess(['node', join(root, 'installer')]), true);
    });
  });

  it('is false in this very process', () => {
    assert.equal(isToolProcess(), false);
  });
});

describe('isThreadOfNode', () => {
  it('is not true of the main thread; what it is for is proved by an application with a loader thread', () => {
    assert.equal(isThreadOfNode(), false);
  });
});

describe('isBeforeApplication', () => {
  const { execArgv } = process;
  const options = process.env['NODE_OPTIONS'];
  afterEach(() => {
    process.execArgv = execArgv;
    if (options === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = options;
  });

  it('needs a flag of Node that loads something first; no main module of CommonJS has begun then', () => {
    const within = (args: readonly string[], environment: string): boolean => {
      process.execArgv = [...args];
      process.env['NODE_OPTIONS'] = environment;
      return isBeforeApplication();
    };
    // Tests may be run by a main module of CommonJS, after which nothing comes first.
    const first = createRequire(import.meta.url).main === undefined;
    assert.equal(within([], ''), false);
    assert.equal(within(['--inspect', '--enable-source-maps'], '--max-old-space-size=400'), false);
    for (const flag of ['--import=x', '--import', '-r', '--require', '--experimental-default-config-file']) {
      assert.equal(within([flag], ''), first, flag);
      assert.equal(within([], `--inspect ${flag} x`), first, flag);
    }
  });
});
