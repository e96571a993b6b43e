import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { cutToFit } from './cut-record.ts';

const format = JSON.stringify;

describe('cutToFit', () => {
  it('cuts the longest texts first, says how much is gone, and leaves the record alone', () => {
    const record = { body: 'b'.repeat(5000), attributes: { long: 'a'.repeat(20_000), short: 'kept' } };
    const cut = JSON.parse(cutToFit(record, 10_000, format));
    assert.equal(cut.body, record.body);
    assert.match(cut.attributes.long, /^a+…\[cut \d+ bytes\]$/);
    assert.equal(cut.attributes.short, 'kept');
    assert.ok(cut.attributes['log.truncated_bytes'] >= 15_000);
    assert.equal(record.attributes.long.length, 20_000);
  });

  it('counts what was cut before as well', () => {
    const record = { body: 'b'.repeat(5000), attributes: { 'log.truncated_bytes': 1_000_000 } };
    const cut = JSON.parse(cutToFit(record, 1000, format));
    assert.equal(cut.attributes['log.truncated_bytes'], 1_000_000 + Number(/cut (\d+) bytes/.exec(cut.body)?.[1]));
  });

  it('keeps what leads to the run where no text is long enough to be cut', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`key-${at}`, at]));
    const json = cutToFit({ body: 'b', attributes: { 'task.id': 'x', operation: 'o', ...many } }, 500, format);
    const cut = JSON.parse(json);
    assert.match(cut.body, /^…\[cut \d+ bytes\]$/);
    assert.deepEqual(Object.keys(cut.attributes), ['task.id', 'operation', 'log.truncated_bytes']);
  });
});
