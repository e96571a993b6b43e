import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { exceptionAttributes } from './exception-attributes.ts';

/** An error that tells when its stack is read. */
function watched(): { readonly error: Error; reads: number } {
  const seen = { error: new TypeError('no space'), reads: 0 };
  Object.defineProperty(seen.error, 'stack', {
    get: () => {
      seen.reads += 1;
      return 'the stack';
    },
  });
  return seen;
}

describe('exceptionAttributes', () => {
  it('are type and message at once, and the stack when it is asked for, read once', () => {
    const seen = watched();
    const attributes = exceptionAttributes(seen.error);
    assert.equal(seen.reads, 0);
    const all = { 'exception.type': 'TypeError', 'exception.message': 'no space', 'exception.stacktrace': 'the stack' };
    assert.deepEqual({ ...attributes }, all);
    assert.deepEqual({ ...attributes }, all);
    assert.equal(seen.reads, 1);
  });

  it('read the stack a moment later, when nobody has asked until then', async () => {
    const all = [watched(), watched()];
    const attributes = all.map(({ error }) => exceptionAttributes(error));
    await new Promise(setImmediate);
    assert.deepEqual(
      all.map(({ reads }) => reads),
      [1, 1],
    );
    assert.equal(attributes[1]?.['exception.stacktrace'], 'the stack');
  });

  it('of what is no error have no stack', () => {
    assert.deepEqual(exceptionAttributes('text'), { 'exception.type': 'string', 'exception.message': 'text' });
  });

  it('leave to Node the line that threw, for errors that nobody catches', () => {
    const core = new URL('./index.ts', import.meta.url).href;
    const source = `import { runTask } from '${core}';
      const { state } = await import('${new URL('./hub.ts', import.meta.url).href}');
      state.sinks.push(() => {});
      function fail() { throw new TypeError('unheard'); }
      void runTask('op', async () => fail());`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', source];
    // Coverage of the same files as another process compiles them would be added up wrongly.
    const env = { ...process.env, NODE_V8_COVERAGE: '' };
    const { stderr, status } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8', env });
    assert.equal(status, 1);
    assert.match(stderr, /function fail\(\) \{ throw new TypeError\('unheard'\); \}\n\s+\^\n/);
  });
});
