import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** The folder of installed packages, which the apps of these tests share through a link. */
const installed = require.resolve('winston').split(`${sep}winston${sep}`)[0] ?? '';
const tsx = pathToFileURL(require.resolve('tsx')).href;

/** Sets up the SDK and the bridges, and prints what they captured to stderr at the end, one JSON text a line. */
const SET_UP = `
import { writeSync } from 'node:fs';
import { recordLines } from ${JSON.stringify(new URL('./recorded-lines.test.support.ts', import.meta.url).href)};
import { PinoBridge, WinstonBridge } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
const recorded = recordLines();
export const bridges = [new WinstonBridge(), new PinoBridge()];
process.on('exit', () => {
  for (const { body, attributes, instrumentationScope } of recorded.lines()) {
    writeSync(2, JSON.stringify([instrumentationScope.name, body, attributes['task.id']]) + '\\n');
  }
});
`;

const APP = `
const logger = winston.createLogger({ transports: [new winston.transports.Console()] });
const log = pino({ base: null, timestamp: false }, { write: (line) => process.stdout.write(line) });
async function app(later) {
  logger.info('winston outside');
  log.info('pino outside');
  await later?.();
  await runTask('op', async () => {
    logger.info('winston inside', { a: 1 });
    log.info({ a: 1 }, 'pino inside');
    await new Promise((resolve) => setImmediate(resolve));
    logger.child({ b: 2 }).warn('winston child');
    log.child({ b: 2 }).warn('pino child');
  }, { id: 'run-1' });
}
`;

const CORE = JSON.stringify(import.meta.resolve('@taskspan/core'));
const ESM = `import winston from 'winston'; import pino from 'pino'; import { runTask } from ${CORE}; ${APP}`;
const CJS = `const winston = require('winston'); const pino = require('pino');
let runTask; ${APP} import(${CORE}).then((core) => { runTask = core.runTask; return app(); });`;

const PRINTED = [
  '{"level":"info","message":"winston outside"}',
  '{"level":30,"msg":"pino outside"}',
  '{"a":1,"level":"info","message":"winston inside"}',
  '{"level":30,"a":1,"msg":"pino inside"}',
  '{"b":2,"level":"warn","message":"winston child"}',
  '{"level":40,"b":2,"msg":"pino child"}',
];
const CAPTURED = [
  ['@taskspan/winston', 'winston inside', 'run-1'],
  ['@taskspan/pino', 'pino inside', 'run-1'],
  ['@taskspan/winston', 'winston child', 'run-1'],
  ['@taskspan/pino', 'pino child', 'run-1'],
];

describe('bridges in an app of their own', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-bridges-'));
    symlinkSync(installed, join(folder, 'node_modules'), 'junction');
    write('set-up.mts', SET_UP);
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(file: string, text: string): void {
    writeFileSync(join(folder, file), text);
  }

  /** Runs a file of the folder; what it printed and what was captured, both as lines. */
  async function start(file: string, ...flags: string[]): Promise<{ printed: string[]; captured: unknown[] }> {
    const preload = flags.flatMap((flag) => ['--import', flag]);
    const { stdout, stderr } = await run(process.execPath, [...preload, join(folder, file)], { cwd: folder });
    const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
    return { printed: lines(stdout), captured: lines(stderr).map((line) => JSON.parse(line)) };
  }

  /** A copy of a package of its own, as a nested dependency has it. */
  function copy(name: string): string {
    const to = join(folder, 'nested', 'node_modules', name);
    mkdirSync(to, { recursive: true });
    cpSync(join(installed, name), to, { recursive: true });
    return to;
  }

  it('capture loggers made after them, in an ES module app', async () => {
    write('app.mjs', `${ESM} await app();`);
    assert.deepEqual(await start('app.mjs', tsx, './set-up.mts'), { printed: PRINTED, captured: CAPTURED });
  });

  it('capture loggers made after them, in a CommonJS app', async () => {
    write('app.cjs', CJS);
    assert.deepEqual(await start('app.cjs', tsx, './set-up.mts'), { printed: PRINTED, captured: CAPTURED });
  });

  it('capture loggers made before them, in an ES module app', async () => {
    write('app.mjs', `${ESM} await app(() => import('./set-up.mts'));`);
    assert.deepEqual(await start('app.mjs', tsx), { printed: PRINTED, captured: CAPTURED });
  });

  it('capture loggers made before them, in a CommonJS app', async () => {
    write('app.cjs', CJS.replace('return app()', "return app(() => import('./set-up.mts'))"));
    assert.deepEqual(await start('app.cjs', tsx), { printed: PRINTED, captured: CAPTURED });
  });

  it('capture every copy that is loaded, each line once', async () => {
    copy('winston');
    copy('pino');
    mkdirSync(join(folder, 'nested', 'lib'), { recursive: true });
    write('nested/lib/app.mjs', `${ESM} export { app };`);
    write('app.mjs', `${ESM} const nested = await import('./nested/lib/app.mjs'); await app(); await nested.app();`);
    const { captured } = await start('app.mjs', tsx, './set-up.mts');
    assert.deepEqual(captured, [...CAPTURED, ...CAPTURED]);
  });

  for (const order of ['before', 'after'] as const) {
    it(`capture a pino that says nothing on diagnostics channels, when it is loaded ${order} them`, async () => {
      const tools = join(copy('pino'), 'lib', 'tools.js');
      const silent = readFileSync(tools, 'utf8').replace('if (asJsonChan.hasSubscribers === false)', 'if (true)');
      assert.doesNotMatch(silent, /hasSubscribers/);
      writeFileSync(tools, silent);
      const call = order === 'before' ? "app(() => import('../set-up.mts'))" : 'app()';
      write('nested/app.mjs', `${ESM} await ${call};`);
      const result = await start('nested/app.mjs', tsx, ...(order === 'before' ? [] : ['./set-up.mts']));
      assert.deepEqual(result, { printed: PRINTED, captured: CAPTURED });
    });
  }

  it('leave the app alone once they are disabled', async () => {
    const text = `${ESM} import { bridges } from './set-up.mts'; for (const bridge of bridges) bridge.disable(); await app();`;
    write('app.mjs', text);
    assert.deepEqual(await start('app.mjs', tsx), { printed: PRINTED, captured: [] });
  });

  it('keep no idle process alive, and load neither winston, pino nor the transport before they are needed', async () => {
    const lean = `import { createRequire } from 'node:module'; import './set-up.mts';
      const { cache } = createRequire(import.meta.url);
      const heavy = /node_modules.(winston|pino|@opentelemetry.winston-transport|winston-transport)\\W/;
      console.log(JSON.stringify(Object.keys(cache).filter((file) => heavy.test(file))));`;
    write('app.mjs', lean);
    assert.deepEqual((await start('app.mjs', tsx)).printed, ['[]']);
  });
});
