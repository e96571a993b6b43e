import assert from 'node:assert/strict';
import type { ImportWrapper, Loaded, Resolved } from './import-wrapper.ts';
import { MarkedWrapper } from './marked-wrapper.ts';
import { RequireChain } from './require-chain.ts';

const REAL = 'file:///app/node_modules/lib/index.js';
const OURS = `${REAL}?taskspan-import=true`;

/** Marks everything as import-in-the-middle does, and notes what it is asked. */
function wrapperOf(asked: unknown[][]): ImportWrapper {
  const unused = (): never => assert.fail('the other kind of hook');
  return {
    resolve: unused,
    load: unused,
    resolveSync: (specifier, context, next) => {
      asked.push(['resolve', specifier, context.parentURL]);
      const resolved = next(specifier, context);
      return { ...resolved, url: `${resolved.url.replace(/\?iitm=true$/, '')}?iitm=true` };
    },
    loadSync: (url, context, next) => {
      asked.push(['load', url, (context as { format?: string }).format]);
      if (!url.includes('iitm=')) return next(url, context);
      return { source: `import * as namespace from "${REAL}"; import "${REAL}?iitm=bindings"`, format: 'module' };
    },
  };
}

describe('MarkedWrapper', () => {
  let asked: unknown[][];
  let wrapper: MarkedWrapper;
  const found =
    (url: string, format = 'commonjs') =>
    (): Resolved => ({ url, format });
  beforeEach(() => {
    asked = [];
    wrapper = new MarkedWrapper(wrapperOf(asked));
  });

  it('gives what it wraps a mark of its own, as the ES module that it becomes', () => {
    assert.deepEqual(wrapper.resolveSync('lib', {}, found(REAL)), { url: OURS, format: 'module' });
  });

  it('asks for it under the mark of the wrapper, in the format that the module has', () => {
    wrapper.resolveSync('lib', {}, found(REAL));
    const { source } = wrapper.loadSync(OURS, { format: 'module' }, () => assert.fail('not to be loaded'));
    assert.deepEqual(asked.at(-1), ['load', `${REAL}?iitm=true`, 'commonjs']);
    assert.equal(source, `import * as namespace from "${REAL}"; import "${REAL}?taskspan-import=bindings"`);
  });

  it('makes a wrapped module once, whoever reads it', () => {
    wrapper.resolveSync('lib', {}, found(REAL));
    const loads = [1, 2].map(() => wrapper.loadSync(OURS, {}, (): Loaded => assert.fail('not to be loaded')));
    assert.equal(loads[0], loads[1]);
    assert.equal(asked.length, 2);
  });

  it('tells the wrapper of an importer of ours under the mark that it knows', () => {
    wrapper.resolveSync(REAL, { parentURL: OURS }, found(REAL));
    assert.deepEqual(asked, [['resolve', REAL, `${REAL}?iitm=true`]]);
  });

  it('answers for its own modules by itself', () => {
    assert.deepEqual(wrapper.resolveSync(OURS, {}, found('never')), {
      url: OURS,
      format: 'module',
      shortCircuit: true,
    });
    assert.deepEqual(asked, []);
  });

  it('leaves to a copy below what that has wrapped', () => {
    const theirs = { url: `${REAL}?iitm=true`, format: 'commonjs' };
    assert.equal(
      wrapper.resolveSync('lib', {}, () => theirs),
      theirs,
    );
    const loaded = { source: 'theirs', format: 'module' };
    assert.equal(
      wrapper.loadSync(theirs.url, {}, () => loaded),
      loaded,
    );
    assert.equal(asked.filter(([kind]) => kind === 'load').length, 0);
  });

  it('does the same in the thread of the loader', async () => {
    const sync = wrapperOf(asked);
    const async = new MarkedWrapper(
      {
        ...sync,
        resolve: async (specifier, context, next) => {
          const answer = await next(specifier, context);
          return sync.resolveSync(specifier, context, () => answer);
        },
        load: async (url, context) => sync.loadSync(url, context, () => ({})),
      },
      new RequireChain(),
    );
    assert.deepEqual(await async.resolve('lib', {}, async () => found(REAL)()), { url: OURS, format: 'module' });
    const loaded = await async.load(OURS, {}, async () => ({}));
    assert.match(String(loaded.source), /taskspan-import=bindings"$/);
    assert.equal(await async.load(OURS, {}, async () => ({})), loaded);
  });

  it('leaves alone, in that thread, what CommonJS requires whose text another loader gave', async () => {
    const chain = new RequireChain();
    const unused = (): never => assert.fail('not to be asked');
    const async = new MarkedWrapper({ ...wrapperOf(asked), resolve: unused }, chain);
    const main = 'file:///app/main.cts';
    chain.loaded(main, { format: 'commonjs', source: 'require("lib")' });
    const resolved = found(REAL)();
    assert.equal(await async.resolve('lib', { parentURL: main }, async () => resolved), resolved);
    assert.equal(await async.resolve('./inner.js', { parentURL: REAL }, async () => resolved), resolved);
  });
});
