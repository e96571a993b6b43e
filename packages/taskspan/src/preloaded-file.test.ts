import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, it } from 'mocha';
import { AppFolder } from './app-folder.test.fixture.ts';
import { isCalledByPreload } from './preloaded-file.ts';

const HERE = fileURLToPath(import.meta.url);

describe('isCalledByPreload', () => {
  const stack = `Error\n    at start (file:///elsewhere/start.js:1:1)\n    at ${pathToFileURL(HERE).href}:3:1`;
  const relativePath = `./${relative(process.cwd(), HERE)}`;

  it('knows the file that is calling in every form in which Node takes it', () => {
    for (const file of [HERE, relativePath, pathToFileURL(HERE).href]) {
      for (const flags of [['--import', file], [`--import=${file}`], ['-r', file], ['--inspect', '--require', file]]) {
        assert.equal(isCalledByPreload(stack, flags), true, flags.join(' '));
      }
    }
    assert.equal(isCalledByPreload(`Error\n    at Object.<anonymous> (${HERE}:3:1)`, ['-r', HERE]), true);
  });

  it('is false for other files, packages, and what does not exist', () => {
    for (const flags of [[], ['--import', 'taskspan/register'], ['--import', './none.mjs'], ['--import'], [HERE]]) {
      assert.equal(isCalledByPreload(stack, flags), false, flags.join(' '));
    }
    assert.equal(isCalledByPreload('Error\n    at file:///app.js:1:1', ['--import', HERE]), false);
  });

  it('lets a start in a file of --import be without doubt: no warning of a library that is not used', async () => {
    const app = new AppFolder();
    try {
      app.write(
        'node_modules/croner/package.json',
        '{"name":"croner","version":"10.0.0","type":"module","main":"i.js"}',
      );
      app.write('node_modules/croner/i.js', 'export class Cron { schedule() {} }');
      app.write('package.json', '{"name":"proving-app","version":"1.2.3","dependencies":{"croner":"*"}}');
      app.write('names.mjs', `import { start } from 'taskspan'; start({ operations: { cron: () => 'mine' } });`);
      const ended = await app.run(`console.log('app');`, { nodeArgs: ['--import', './names.mjs'] });
      assert.deepEqual([ended.code, ended.stdout, ended.stderr], [0, 'app\n', '']);
    } finally {
      app.remove();
    }
  });
});
