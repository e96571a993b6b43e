import assert from 'node:assert/strict';
import { streamKey } from './record-stream.ts';

const WRITER = { instance: 'i', run: 'r', service: 's', isNumbered: true };

describe('streamKey', () => {
  it('is one of its writer alone', () => {
    const keys = [
      WRITER,
      { ...WRITER, instance: 'i2' },
      { ...WRITER, run: 'r2' },
      { ...WRITER, service: 's2' },
      { ...WRITER, isNumbered: false },
      { ...WRITER, instance: 'i","r', run: '' },
    ].map(streamKey);
    assert.equal(new Set(keys).size, keys.length);
  });
});
