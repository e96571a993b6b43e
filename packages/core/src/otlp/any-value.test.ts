import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { attributeJson, attributesJson, countJson, formatApart, formatted, textJson, valueJson } from './any-value.ts';

describe('valueJson', () => {
  const table: readonly (readonly [value: unknown, json: string])[] = [
    ['', '{"stringValue":""}'],
    ['a "b" \\ c\n', '{"stringValue":"a \\"b\\" \\\\ c\\n"}'],
    ['\ud800x', '{"stringValue":"\ufffdx"}'],
    [true, '{"boolValue":true}'],
    [0, '{"intValue":"0"}'],
    [-0, '{"doubleValue":-0}'],
    [-0.5, '{"doubleValue":-0.5}'],
    [Number.NaN, '{"doubleValue":"NaN"}'],
    [Number.POSITIVE_INFINITY, '{"doubleValue":"Infinity"}'],
    [Number.NEGATIVE_INFINITY, '{"doubleValue":"-Infinity"}'],
    [2 ** 53 - 1, '{"intValue":"9007199254740991"}'],
    [2 ** 53, '{"doubleValue":9007199254740992}'],
    [2n ** 63n - 1n, '{"intValue":"9223372036854775807"}'],
    [-(2n ** 63n), '{"intValue":"-9223372036854775808"}'],
    [2n ** 63n, '{"stringValue":"9223372036854775808"}'],
    [null, '{}'],
    [undefined, '{}'],
    [() => 1, '{}'],
    [Symbol('s'), '{}'],
    [new Uint8Array([1, 2]), '{"bytesValue":"AQI="}'],
    [[], '{"arrayValue":{}}'],
    [[1, [null]], '{"arrayValue":{"values":[{"intValue":"1"},{"arrayValue":{"values":[{}]}}]}}'],
    [{}, '{"kvlistValue":{}}'],
    [
      { a: { '': 'c' } },
      '{"kvlistValue":{"values":[{"key":"a","value":{"kvlistValue":{"values":[{"value":{"stringValue":"c"}}]}}}]}}',
    ],
  ];
  for (const [value, json] of table) {
    it(`writes ${json}`, () => {
      assert.equal(valueJson(value), json);
      JSON.parse(json);
    });
  }

  it('ends somewhere in what contains itself', () => {
    const cycle: Record<string, unknown> = {};
    cycle['again'] = cycle;
    assert.equal(valueJson(cycle).split('"again"').length - 1, 32);
    cycle['twice'] = cycle;
    JSON.parse(valueJson(cycle));
  });
});

describe('attributesJson', () => {
  it('says a declared double as one, also when it is whole', () => {
    assert.equal(
      attributesJson({ 'task.duration_seconds': 3, 'task.progress': Number.NaN, other: 3 }),
      '{"key":"task.duration_seconds","value":{"doubleValue":3}},' +
        '{"key":"task.progress","value":{"doubleValue":"NaN"}},{"key":"other","value":{"intValue":"3"}}',
    );
  });

  it('says the value of now under a key seen before', () => {
    for (const value of ['a', 'a', 'b', 'é', 'a', 'x'.repeat(100), 'a']) {
      assert.equal(attributeJson('repeated', value), `{"key":"repeated","value":{"stringValue":"${value}"}}`);
    }
  });
});

describe('textJson', () => {
  it('takes what is declared as text and is none', () => {
    assert.equal(textJson({ toString: () => '"x"' } as never), '"\\"x\\""');
    assert.equal(textJson(undefined as never), '"undefined"');
  });
});

describe('countJson', () => {
  it('leaves out zero, and what is no count', () => {
    assert.equal(countJson('n', 3), ',"n":3');
    for (const none of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
      assert.equal(countJson('n', none), '');
    }
  });
});

describe('formatApart', () => {
  it('tells whether its own text is ASCII, and leaves that of the text around it alone', () => {
    formatted.isAscii = true;
    assert.deepEqual(
      formatApart(() => textJson('é')),
      { value: '"é"', isAscii: false },
    );
    assert.equal(formatted.isAscii, true);
    formatted.isAscii = false;
    assert.deepEqual(
      formatApart(() => textJson('e')),
      { value: '"e"', isAscii: true },
    );
    assert.equal(formatted.isAscii, false);
    assert.throws(() =>
      formatApart(() => {
        throw new Error('no');
      }),
    );
    assert.equal(formatted.isAscii, false);
  });

  it('sees keys that are not ASCII each time', () => {
    for (let time = 0; time < 2; time += 1) assert.equal(formatApart(() => attributeJson('ü', 1)).isAscii, false);
  });
});
