import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledLibraries } from './bundled-libraries.ts';

const PACKAGES = ['bullmq', 'bull', 'croner', '@nestjs/schedule', 'p-queue'];

describe('bundledLibraries', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-bundle-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function found(text: string, padding = 10_000): string[] {
    const script = join(folder, 'app.js');
    writeFileSync(script, text + ' '.repeat(padding));
    return bundledLibraries(script, PACKAGES);
  }

  it('finds packages by what bundlers leave of their paths', () => {
    assert.deepEqual(found('// node_modules/p-queue/dist/index.js\n'), ['p-queue']);
    assert.deepEqual(found('/***/ "./node_modules/@nestjs/schedule/dist/index.js":'), ['@nestjs/schedule']);
    assert.deepEqual(found('// ../node_modules/.pnpm/croner@11.0.1/node_modules/croner/dist/croner.js'), ['croner']);
    assert.deepEqual(found('// node_modules/bullmq-otel/dist/index.js'), []);
  });

  it('finds packages by texts that no minifier changes, all of them', () => {
    assert.deepEqual(found('throw TypeError("CronPattern: "+a)'), ['croner']);
    assert.deepEqual(found('"Missing lock for job";x.moveToWaitingChildren()'), ['bullmq']);
    assert.deepEqual(found('await job.moveToWaitingChildren(token)'), []);
  });

  it('takes a small file for one that is written by hand, and a missing one for none', () => {
    assert.deepEqual(found('// node_modules/croner/', 0), []);
    assert.deepEqual(bundledLibraries(join(folder, 'nowhere.js'), PACKAGES), []);
  });
});
