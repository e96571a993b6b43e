import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { BoundedNames } from './bounded-name.ts';

describe('BoundedNames', () => {
  it('keeps the names that jobs have', () => {
    const names = new BoundedNames();
    for (const name of [
      'send-email',
      'Report.weekly',
      'v2/resize',
      'step-3',
      'überweisen',
      'year 2024',
      'default',
      'null',
      'undefined',
    ]) {
      assert.equal(names.choose(name, 'queue'), name);
    }
  });

  it('takes the queue where a name is none, or holds an id', () => {
    const names = new BoundedNames();
    const bad = [
      '',
      '__default__',
      undefined,
      null,
      7,
      {},
      'x'.repeat(101),
      'user-1234567',
      'order-0b5f5f5e-2b6a-4a52-9f0e-1d2c3b4a5f6e',
      `blob-${'a1'.repeat(8)}`,
      'report 2026-11-21',
      '<Anonymous Job 3 2026-11-21T10:00:00.000Z>',
    ];
    for (const name of bad) assert.equal(names.choose(name, 'queue'), 'queue', String(name));
  });

  it('takes no function for named that is a default export', () => {
    const names = new BoundedNames();
    assert.equal(names.chooseFunction('default', 'resize-image'), 'resize-image');
    assert.equal(names.chooseFunction('resize', 'resize-image'), 'resize');
    assert.equal(names.chooseFunction('', 'resize-image'), 'resize-image');
  });

  it('takes the queue for all names beyond the first 64 of it, and keeps those', () => {
    const names = new BoundedNames();
    const chosen = Array.from({ length: 100 }, (_, at) => names.choose(`name${at}`, 'queue'));
    assert.equal(new Set(chosen).size, 65);
    assert.equal(names.choose('name0', 'queue'), 'name0');
    assert.equal(names.choose('name99', 'queue'), 'queue');
    assert.equal(names.choose('name99', 'other'), 'name99');
  });

  it('remembers a bounded number of queues', () => {
    const names = new BoundedNames();
    for (let at = 0; at < 5000; at += 1) names.choose('job', `queue-${at}`);
    assert.equal(names.choose('job', 'one more'), 'one more');
    assert.equal(names.choose('job', 'queue-0'), 'job');
  });
});
