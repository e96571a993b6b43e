import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RequestBody } from '../send-result.ts';
import { packBody, unpackBody, unpackedBytes } from './packed-body.ts';

const BODY: RequestBody = { bytes: Buffer.from('{"a":1}'.repeat(1000)), format: 'json', gzip: false, items: 3 };

describe('packed bodies', () => {
  it('are smaller, say how large they were, and become what they were', async () => {
    const packed = await packBody(BODY);
    assert.ok(packed.gzip && packed.bytes.byteLength < 500 && packed.items === 3);
    assert.deepEqual([unpackedBytes(BODY), unpackedBytes(packed)], [7000, 7000]);
    assert.deepEqual(await unpackBody(packed), BODY);
  });

  it('are not packed twice, nor unpacked', async () => {
    const packed = await packBody(BODY);
    assert.equal(await packBody(packed), packed);
    assert.equal(await unpackBody(BODY), BODY);
  });

  it('that are damaged are rejected', async () => {
    const cut = { ...(await packBody(BODY)), bytes: (await packBody(BODY)).bytes.subarray(0, 10) };
    await assert.rejects(unpackBody(cut));
    assert.equal(unpackedBytes(cut), 10);
  });
});
