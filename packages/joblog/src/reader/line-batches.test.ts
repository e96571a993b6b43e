import assert from 'node:assert/strict';
import { batchesOf, batchTextsOf } from './line-batches.ts';
import { logsLine, spansLine } from './otlp-line.test.fixture.ts';

const A = logsLine({ id: 'a', body: 'first' });
const B = logsLine({ id: 'b', body: 'a text with {"resourceLogs": in it' });
const SPANS = spansLine({ id: 'a', spanId: '1122334455667788' });

describe('batchesOf', () => {
  const cases: readonly [what: string, text: string, ids: string, skipped: number][] = [
    ['a batch', A, 'a', 0],
    ['a batch of spans', SPANS, 'span:a', 0],
    ['nothing', '', '', 0],
    ['blanks', '  \r', '', 0],
    ['a batch with a carriage return', `${A}\r`, 'a', 0],
    ['no JSON', 'listening on port 3000', '', 1],
    ['JSON that is no batch', '{"level":30,"msg":"hello"}', '', 1],
    ['half a batch', A.slice(0, 60), '', 1],
    ['two batches', A + B, 'a b', 0],
    ['half a batch, then a whole one', A.slice(0, 60) + B, 'b', 1],
    ['a batch that broke off in its first word', `{"resource${B}`, 'b', 1],
    ['a whole batch, then half of one', A + B.slice(0, 80), 'a', 1],
    ['the end of a batch, then a whole one', A.slice(60) + B, 'b', 1],
    ['halves around whole ones', A.slice(0, 50) + A + SPANS.slice(0, 40) + B, 'a b', 2],
    ['zero bytes, as a crash leaves them, then a batch', `${'\0'.repeat(100)}${A}`, 'a', 1],
    ['a batch with blanks in it', A.replace('{"resourceLogs":', '{ "resourceLogs" : '), 'a', 0],
    [
      'half a batch, then one with blanks',
      A.slice(0, 60) + A.replace('{"resourceLogs":', '{ "resourceLogs" : '),
      'a',
      1,
    ],
  ];
  for (const [what, text, ids, skipped] of cases) {
    it(`reads ${what}`, () => {
      const { records, spans, skipped: found } = batchesOf(text);
      const read = [...records.map(idOf), ...spans.map((span) => `span:${idOf(span)}`)];
      assert.equal(read.join(' '), ids);
      assert.equal(found, skipped);
    });
  }

  it('says where the whole part ends', () => {
    assert.equal(batchesOf(A).wholeChars, A.length);
    assert.equal(batchesOf(A + B.slice(0, 80)).wholeChars, A.length);
    assert.equal(batchesOf(A.slice(0, 80)).wholeChars, 0);
    assert.equal(batchesOf(A.slice(0, 80) + B).wholeChars, 80 + B.length);
  });

  it('does not fail where JSON is nested without end', () => {
    const deep = '{"arrayValue":{"values":['.repeat(50_000) + ']}}'.repeat(50_000);
    const line = A.replace('{"stringValue":"first"}', deep);
    assert.equal(batchesOf(line).skipped, 1);
  });

  it('gives up on a line that begins again and again', () => {
    const text = '{"resourceLogs":'.repeat(1_000_000);
    assert.equal(batchesOf(text).skipped, 100);
    assert.equal(batchTextsOf(`{${' '.repeat(1_000_000)}`).length, 1);
  });
});

function idOf({ attributes }: { readonly attributes: Readonly<Record<string, unknown>> }): string {
  return String(attributes['task.id']);
}
