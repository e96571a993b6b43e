import assert from 'node:assert/strict';
import { streamKey } from './record-stream.ts';

const WRITER = { instance: 'i', run: 'r', service: 's', isNumbered: true };

describe('streamKey', () => {
  it('is one of its writer alone', () => {
    const keys = [
      WRITER,
      { ...WRITER, instance: 'i2' },
      { ...WRITER, run: 'r2' },
      { ...WRITER, run: '' },
      { ...WRITER, run: '', service: 's2' },
      { ...WRITER, isNumbered: false },
      { ...WRITER, instance: 'i","r', run: '' },
    ].map(streamKey);
    assert.equal(new Set(keys).size, keys.length);
  });

  it('is the same whatever a record that names its run says of the service', () => {
    assert.equal(streamKey({ ...WRITER, service: 's2' }), streamKey(WRITER));
  });
});
