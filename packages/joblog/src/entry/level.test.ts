import assert from 'node:assert/strict';
import { levelOfSeverity, parseLevel, parseLevelWord, severityOfLevel } from './level.ts';

describe('levels', () => {
  it('are read from severity numbers as the contract has it', () => {
    const levels = Array.from({ length: 24 }, (_, at) => levelOfSeverity(at + 1, ''));
    assert.deepEqual(levels, [
      ...Array<string>(8).fill('DEBUG'),
      ...Array<string>(4).fill('INFO'),
      ...Array<string>(4).fill('WARN'),
      ...Array<string>(8).fill('ERROR'),
    ]);
  });

  it('go by the text of a record without a number, and are INFO without either', () => {
    for (const [text, level] of [
      ['fatal', 'ERROR'],
      ['Warning', 'WARN'],
      ['trace', 'DEBUG'],
      ['', 'INFO'],
      ['toString', 'INFO'],
    ] as const) {
      assert.equal(levelOfSeverity(0, text), level);
      assert.equal(levelOfSeverity(99, text), level);
      assert.equal(levelOfSeverity(13, text), 'WARN');
    }
  });

  it('have the severity numbers of the toolkit', () => {
    assert.deepEqual((['DEBUG', 'INFO', 'WARN', 'ERROR'] as const).map(severityOfLevel), [5, 9, 13, 17]);
  });

  for (const [value, level] of [
    ['debug', 'DEBUG'],
    ['Info', 'INFO'],
    ['WARN', 'WARN'],
    ['error', 'ERROR'],
    ['0', 'DEBUG'],
    [3, 'ERROR'],
    ['warning', undefined],
    ['fatal', undefined],
    ['', undefined],
    ['4', undefined],
    [-1, undefined],
    [1.5, undefined],
    ['01', undefined],
    ['constructor', undefined],
  ] as const) {
    it(`of a request: ${JSON.stringify(value)} is ${level ?? 'none'}`, () => assert.equal(parseLevel(value), level));
  }

  for (const [value, level] of [
    ['warning', 'WARN'],
    ['LOG_LEVEL_ERROR', 'ERROR'],
    ['critical', 'ERROR'],
    ['notice', 'INFO'],
    ['verbose', 'DEBUG'],
    [2, 'WARN'],
    ['loud', undefined],
    ['__proto__', undefined],
    [30, undefined],
  ] as const) {
    it(`of a program: ${JSON.stringify(value)} is ${level ?? 'none'}`, () =>
      assert.equal(parseLevelWord(value), level));
  }
});
