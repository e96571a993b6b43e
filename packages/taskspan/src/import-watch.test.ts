/** Job libraries that ES modules import, beside hooks of imports that the application brings. */
import assert from 'node:assert/strict';
import { cpSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppFolder, type Ended } from './app-folder.test.fixture.ts';
import { importing, install, PRINT_LIBRARIES } from './fake-libraries.test.fixture.ts';

const { resolve } = createRequire(createRequire(import.meta.url).resolve('@taskspan/instrumentations'));
const wrapper = dirname(createRequire(resolve('@opentelemetry/instrumentation')).resolve('import-in-the-middle'));

const REGISTER = ['--import', 'taskspan/register'];
const THEIRS = ['--import', './theirs.mjs'];

describe('imported job libraries', function () {
  this.timeout(60_000);
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
    for (const name of ['p-queue', 'node-schedule']) install(app, name);
    // A copy of the application's own, with what it needs.
    for (const name of ['', 'cjs-module-lexer', 'es-module-lexer', 'module-details-from-path']) {
      const from = name === '' ? wrapper : packageFolder(createRequire(join(wrapper, 'index.js')).resolve(name), name);
      const to = join(app.path, 'node_modules', name === '' ? 'import-in-the-middle' : name);
      cpSync(realpathSync(from), to, { recursive: true, dereference: true });
    }
    // As an application with an OpenTelemetry SDK does it, with hooks of its own.
    app.write(
      'theirs.mjs',
      `import { register } from 'node:module';
       import { Hook } from 'import-in-the-middle';
       register('import-in-the-middle/hook.mjs', import.meta.url);
       globalThis.theirs = [];
       new Hook(['p-queue'], { internals: true }, (exports, name) => {
         globalThis.theirs.push(name);
         const Real = exports.default;
         exports.default = class PQueue extends Real { theirs() {} };
       });`,
    );
  });
  after(() => app.remove());

  const SOURCE = importing(
    'p-queue',
    `const queue = new lib.default();
     console.log(JSON.stringify({ theirs: globalThis.theirs, method: typeof queue.theirs }));
     ${PRINT_LIBRARIES}`,
  );

  async function run(nodeArgs: readonly string[], source = SOURCE): Promise<Ended & { lines: unknown[] }> {
    const env = { ...app.ownData(), TASKSPAN_INSTRUMENTATIONS: '+p-queue' };
    const ended = await app.run(source, { nodeArgs, env });
    assert.equal(ended.code, 0, ended.stderr);
    const lines = ended.stdout.trim().split('\n');
    return { ...ended, lines: lines.map((line) => JSON.parse(line) as unknown) };
  }

  const HOOKED = [{ library: 'p-queue', module: 'p-queue', version: '9.3.5', hooked: true }];

  it('are hooked without a word where nobody else is at work', async () => {
    const { lines, stderr } = await run(REGISTER);
    assert.deepEqual([lines[1], stderr], [HOOKED, '']);
  });

  for (const [order, nodeArgs] of [
    ['before', [...THEIRS, ...REGISTER]],
    ['after', [...REGISTER, ...THEIRS]],
  ] as const) {
    it(`are hooked by both when the application registers hooks of another copy ${order} ours, in silence`, async () => {
      const { lines, stderr } = await run(nodeArgs);
      const [{ theirs, method }, libraries] = lines as [{ theirs: string[]; method: string }, unknown];
      // What is below our wrapping, an inner file to them, they may see besides.
      assert.deepEqual([theirs.at(-1), method, libraries], ['p-queue', 'function', HOOKED]);
      // On Node 26, this is what Node says of the application's own way.
      assert.equal(stderr.replace(/^\(.*DEP0205.*\n\(Use .*\n/m, ''), '');
    });
  }

  it('are one module, however they are imported', async () => {
    app.write('inner.mjs', "export { default } from 'p-queue';");
    const source = `import PQueue from 'p-queue';
      import { createRequire } from 'node:module';
      import other from './inner.mjs';
      const third = (await import('p-queue')).default;
      console.log(JSON.stringify([PQueue === other, PQueue === third]));`;
    assert.deepEqual((await run(REGISTER, source)).lines, [[true, true]]);
  });

  it('wrap nothing but the libraries', async () => {
    app.write(
      'plain.mjs',
      'export const url = import.meta.url; export let n = 0; export const add = () => { n += 1; };',
    );
    const source = `import { url, n, add } from './plain.mjs'; add(); console.log(JSON.stringify([new URL(url).search, n]));`;
    assert.deepEqual((await run(REGISTER, source)).lines, [['', 1]]);
  });
});

function packageFolder(file: string, name: string): string {
  return file.slice(0, file.lastIndexOf(name) + name.length);
}
