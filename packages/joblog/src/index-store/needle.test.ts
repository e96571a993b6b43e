import assert from 'node:assert/strict';
import { Needle } from './needle.ts';

/** How writers put a text into JSON. */
const WRITERS: Readonly<Record<string, (text: string) => string>> = {
  ours: (text) => JSON.stringify(text),
  'an escaper of HTML': (text) =>
    JSON.stringify(text).replace(/[<>&/]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
  'an ASCII writer': (text) =>
    JSON.stringify(text).replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
};

describe('Needle', () => {
  for (const needle of [
    'plain',
    'a.b*c(d)',
    '"',
    '\\',
    '\n',
    '/',
    'é',
    'é plain',
    '<b>',
    '😀',
    'say "hi"',
    'a/b',
    '-',
    '^$',
    '[x]',
  ]) {
    for (const [writer, write] of Object.entries(WRITERS)) {
      it(`${JSON.stringify(needle)} is found in what ${writer} writes`, () => {
        const line = Buffer.from(`{"body":{"stringValue":${write(`before ${needle} after`)}}}`).toString('latin1');
        assert.ok(new Needle(needle).nextIn(line, 0) >= 0);
        assert.ok(new Needle(needle).isIn(`before ${needle} after`));
      });
    }
  }

  it('does not mind the case of ASCII letters, in bytes and texts', () => {
    assert.equal(new Needle('TimeOut').nextIn('a tIMEoUT', 0), 2);
    assert.equal(new Needle('TimeOut').isIn('a tIMEoUT'), true);
    assert.equal(new Needle('É').isIn('é'), false);
  });

  it('goes on from where it is told', () => {
    const needle = new Needle('ab');
    assert.equal(needle.nextIn('ab ab', 1), 3);
    assert.equal(needle.nextIn('ab ab', 4), -1);
  });

  it('finds nothing where there is nothing', () => {
    assert.equal(new Needle('zebra').nextIn('{"body":{"stringValue":"horse"}}', 0), -1);
    assert.equal(new Needle('a.c').isIn('abc'), false);
  });
});
