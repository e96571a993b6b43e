import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'mocha';
import { AppFolder } from './app-folder.test.fixture.ts';
import { loadedPackages } from './loaded-packages.ts';

describe('loadedPackages', () => {
  it('names what CommonJS has loaded a file of, by the last folder of packages, scopes included', () => {
    const app = new AppFolder();
    try {
      const require = createRequire(import.meta.url);
      require(app.write('node_modules/@scope/outer/node_modules/inner/lib/file.cjs', ''));
      require(app.write('node_modules/@scope/other/index.cjs', ''));
      const asked = ['inner', '@scope/other', '@scope/outer', 'absent', 'lib'];
      assert.deepEqual([...loadedPackages(asked)].sort(), ['@scope/other', 'inner']);
      assert.equal(loadedPackages([]).size, 0);
    } finally {
      app.remove();
    }
  });
});
