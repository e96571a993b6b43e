import assert from 'node:assert/strict';
import { levelOfText, PlainLevels } from './plain-level.ts';

describe('the level of a plain line', () => {
  const lines: Readonly<Record<string, readonly string[]>> = {
    ERROR: [
      'ERROR: no such file',
      'ERROR:root:no such file',
      'ERROR no such file',
      'ERROR',
      '[ERROR] no',
      'error: cannot find module',
      'Error: no',
      '[error] no',
      '<fatal> no',
      'fatal: not a git repository',
      '2026-03-04 05:06:07,890 ERROR no',
      '2026-03-04T05:06:07.890Z [ERROR] no',
      '[2026-03-04 05:06:07 +0000] [CRITICAL] no',
      '05:06:07 FATAL no',
      'TypeError: x is not a function',
      'Uncaught ReferenceError: x is not defined',
      'java.lang.IllegalStateException: no',
      'Exception in thread "main" java.lang.RuntimeException: no',
      'Caused by: java.io.IOException: no',
      'Traceback (most recent call last):',
      'panic: runtime error: index out of range',
      'ERR! code 1'.replace('!', ':'),
    ],
    WARN: ['WARNING: old', 'WARN old', '[warn] old', 'warning: unused variable', '2026/03/04 05:06:07 [WARN] old'],
    INFO: ['INFO ready', '[info] ready', '[INFO] ready', 'NOTICE: ready', '2026-03-04 05:06:07.890 INFO  main - ready'],
    DEBUG: ['DEBUG: x', '[trace] x', 'TRACE x'],
  };
  for (const [level, texts] of Object.entries(lines)) {
    for (const text of texts) it(`is ${level}: ${text}`, () => assert.equal(levelOfText(text), level));
  }

  const silent = [
    '',
    'ready',
    'no error',
    'Error count 0',
    'error rate is low',
    'ERRORS are not errors',
    'information: x',
    'warning signs on the road',
    'Errors: 0',
    'the ERROR is here',
    'file.error: x',
    '12 errors',
    'INFORMATION',
    'Warn the others',
  ];
  for (const text of silent)
    it(`is not said: ${JSON.stringify(text)}`, () => assert.equal(levelOfText(text), undefined));
});

describe('the levels of plain lines', () => {
  const of = (...lines: string[]): unknown[] => {
    const levels = new PlainLevels();
    return lines.map((line) => levels.of(line));
  };

  it('give the frames of a trace that of its error', () => {
    const lines = [
      'Traceback (most recent call last):',
      '  File "job.py", line 3, in <module>',
      '    load()',
      'ValueError: no',
      'next',
      '  indented',
    ];
    assert.deepEqual(of(...lines), ['ERROR', 'ERROR', 'ERROR', 'ERROR', undefined, undefined]);
    assert.deepEqual(of('Error: no', '\tat f (a.js:1:1)', ''), ['ERROR', 'ERROR', undefined]);
  });

  it('do not go on after another line, nor after a warning', () => {
    assert.deepEqual(of('ERROR: no', 'x', '  x', 'WARN: old', '  x'), [
      'ERROR',
      undefined,
      undefined,
      'WARN',
      undefined,
    ]);
  });

  it('end somewhere', () => {
    const told = of('ERROR: no', ...Array.from({ length: 1500 }, () => ' x'));
    assert.equal(told.filter((level) => level === 'ERROR').length, 1001);
  });

  it('are interrupted by what is no plain line', () => {
    const levels = new PlainLevels();
    levels.of('ERROR: no');
    levels.interrupt();
    assert.equal(levels.of('  x'), undefined);
  });
});
