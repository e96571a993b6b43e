import assert from 'node:assert/strict';
import { labelValue, operationValue } from './label-value.ts';

describe('the value of a label', () => {
  it('is the text as it is, whatever is in it', () => {
    for (const text of ['commit', 'a "b"\\\n{}', 'é𝄞', '_other']) assert.equal(labelValue(text), text);
  });

  it('is empty for what is no text, and the operation unknown', () => {
    for (const value of [undefined, null, 3, true, ['a'], '']) {
      assert.equal(labelValue(value), '');
      assert.equal(operationValue(value), 'unknown');
    }
    assert.equal(operationValue('commit'), 'commit');
  });

  it('is cut with a mark when it is long', () => {
    const value = labelValue('x'.repeat(100_000));
    assert.equal(value.length <= 256, true);
    assert.match(value, /^x+…\[cut \d+ bytes\]$/);
  });

  it('can be written as UTF-8: halves of pairs are replaced', () => {
    assert.equal(labelValue('a\ud800b'), 'a\ufffdb');
    assert.equal(labelValue('a\udfff'), 'a\ufffd');
  });
});
