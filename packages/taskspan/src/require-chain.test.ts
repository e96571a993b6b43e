import assert from 'node:assert/strict';
import { RequireChain } from './require-chain.ts';

describe('RequireChain', () => {
  const FIRST: readonly (readonly [url: string, format: string, source: unknown, begins: boolean])[] = [
    ['file:///app/main.ts', 'commonjs', 'require("lib")', true],
    ['file:///app/main.cts', 'commonjs', null, true],
    ['file:///app/main.cts?id=1', 'commonjs', undefined, true],
    ['file:///app/main.cjs', 'commonjs', null, false],
    ['file:///app/main.js', 'commonjs', undefined, false],
    ['file:///app/main.mjs', 'module', 'import "lib"', false],
    ['file:///app/main.cts', 'commonjs-typescript', 'require("lib")', false],
  ];
  for (const [url, format, source, begins] of FIRST) {
    it(`${begins ? 'begins' : 'does not begin'} with ${url}, ${format} with the text ${JSON.stringify(source)}`, () => {
      const chain = new RequireChain();
      const loaded = { format, source };
      assert.equal(chain.loaded(url, loaded), loaded);
      assert.equal(chain.has(url), begins);
    });
  }

  it('goes on with what its modules ask for, and knows nothing of the main module', () => {
    const chain = new RequireChain();
    const resolved = { url: 'file:///app/node_modules/lib/index.js' };
    assert.equal(chain.follow(resolved), resolved);
    assert.equal(chain.has(resolved.url), true);
    assert.equal(chain.has(undefined), false);
  });
});
