import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { RefusedBodies } from './refused-bodies.ts';
import { bodyOf, tempFolder, textsBelow } from './spool.test.fixture.ts';

describe('RefusedBodies', () => {
  let dir: ReturnType<typeof tempFolder>;
  let root: string;
  beforeEach(() => {
    dir = tempFolder();
    root = join(dir.path, 'spool');
  });
  afterEach(() => dir.remove());

  it('keeps the newest within its limit, and leaves foreign files alone', async () => {
    const refused = new RefusedBodies({ root, maxBytes: 5 * 4096, writer: 'a' });
    mkdirSync(refused.path, { recursive: true });
    writeFileSync(join(refused.path, 'notes.txt'), 'mine');
    for (let at = 0; at < 12; at += 1) assert.equal(await refused.keep('spans', bodyOf(`s${at}`)), true);
    assert.deepEqual(textsBelow(root), ['s7', 's8', 's9', 's10', 's11']);
    assert.ok(readdirSync(refused.path).includes('notes.txt'));
  });

  it('shares the folder with other processes', async () => {
    const two = ['a', 'b'].map((writer) => new RefusedBodies({ root, maxBytes: 1e6, writer }));
    for (const refused of two) await refused.keep('logs', bodyOf('same'));
    assert.deepEqual(textsBelow(root, 'logs'), ['same', 'same']);
  });

  it('keeps nothing that is larger than all may be, nor where nothing can be written', async () => {
    const refused = new RefusedBodies({ root, maxBytes: 4096, writer: 'a' });
    assert.equal(await refused.keep('spans', bodyOf('x'.repeat(5000))), false);
    writeFileSync(root, 'a file');
    assert.equal(await refused.keep('spans', bodyOf('x')), false);
  });
});
