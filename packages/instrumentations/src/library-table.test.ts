import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
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
    assert.deepEqual(imports, ["import { createRequire } from 'node:module';"]);
  });

  it('loads carriers without the base of instrumentations', () => {
    const script = `
      const { LIBRARIES } = require(${JSON.stringify(fileURLToPath(new URL('./library-table.ts', import.meta.url)))});
      for (const { kind, load } of LIBRARIES) if (kind === 'carrier') new (load())({ enabled: false }).enable();
      const loaded = Object.keys(require.cache);
      console.log(loaded.length > 0, loaded.some((file) => /@opentelemetry.instrumentation|-in-the-middle/.test(file)));`;
    const said = execFileSync(process.execPath, ['--import', 'tsx', '--eval', script], { encoding: 'utf8' });
    assert.equal(said, 'true false\n');
  });

  for (const entry of LIBRARIES) {
    describe(entry.name, () => {
      it('loads the class that the package exports under that name', () => {
        const { [entry.instrumentation]: found } = exported as Readonly<Record<string, unknown>>;
        assert.equal(typeof found, 'function', `${entry.instrumentation} is not exported`);
        const { name } = entry.load();
        // What hands on a run's context is needed in every process, so register loads no more than that.
        assert.equal(
          entry.kind === 'carrier' ? name.replace(/Carrier$/, 'Instrumentation') : name,
          entry.instrumentation,
        );
      });

      it('says what it does', () => {
        for (const field of ['operation', 'carrier', 'captured', 'limits'] as const) {
          assert.notEqual(entry[field], '', `${field} of ${entry.name} is empty`);
        }
      });
    });
  }
});
