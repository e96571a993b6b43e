import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as exported from './index.ts';
import { LIBRARIES } from './library-table.ts';

describe('the table of libraries', () => {
  it('names each library once', () => {
    const names = LIBRARIES.map((entry) => entry.name);
    assert.deepEqual(names, [...new Set(names)]);
  });

  it('is light: it loads nothing of an instrumentation', async () => {
    const source = await import('node:fs/promises').then((fs) =>
      fs.readFile(new URL('./library-table.ts', import.meta.url), 'utf8'),
    );
    const imports = source
      .split('\n')
      .filter((line) => /^(import|export) .* from /.test(line) && !/^(import|export) type /.test(line));
    assert.deepEqual(imports, [
      "import { createRequire } from 'node:module';",
      "export { isInRange } from './base/version-range.ts';",
    ]);
  });

  for (const entry of LIBRARIES) {
    describe(entry.name, () => {
      it('loads the class that the package exports under that name', () => {
        const { [entry.instrumentation]: found } = exported as Readonly<Record<string, unknown>>;
        assert.equal(typeof found, 'function', `${entry.instrumentation} is not exported`);
        assert.equal(entry.load().name, entry.instrumentation);
      });

      it('says what it does', () => {
        for (const field of ['operation', 'carrier', 'captured', 'limits'] as const) {
          assert.notEqual(entry[field], '', `${field} of ${entry.name} is empty`);
        }
      });
    });
  }
});
