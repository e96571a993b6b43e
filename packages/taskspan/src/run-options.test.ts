import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { RUN_OPTIONS, type RunRequest, readRunArguments, runHelp, UsageError } from './run-options.ts';

/** Arguments, and what they say beside the defaults. */
const GOOD: readonly (readonly [string, Partial<RunRequest>])[] = [
  ['true', { command: ['true'] }],
  ['-- true', { command: ['true'] }],
  ['ls -l --quiet', { command: ['ls', '-l', '--quiet'] }],
  ['-- --odd -x', { command: ['--odd', '-x'] }],
  ['a -- b', { command: ['a', '--', 'b'] }],
  ['--quiet x', { command: ['x'], quiet: true }],
  ['--operation load x', { command: ['x'], operation: 'load' }],
  ['--operation=a=b x', { command: ['x'], operation: 'a=b' }],
  ['--label l --id i --dir d x', { command: ['x'], label: 'l', id: 'i', dir: 'd' }],
  ['--output a --output=b --input c -- x', { command: ['x'], outputs: ['a', 'b'], inputs: ['c'] }],
  ['--timeout 30s --on-timeout expire x', { command: ['x'], timeoutMs: 30_000, onTimeout: 'expire' }],
  ['--drain 0s --heartbeat 1m x', { command: ['x'], drainMs: 0, heartbeatMs: 60_000 }],
  ['--max-lines 100 x', { command: ['x'], maxLinesPerSecond: 100 }],
  ['--env-file a --env-file b x', { command: ['x'], envFiles: ['a', 'b'] }],
];

const BAD: readonly (readonly [string, RegExp])[] = [
  ['', /^no command to run$/],
  ['--', /^no command to run$/],
  ['--quiet', /^no command to run$/],
  ['--nothing x', /^unknown option '--nothing'$/],
  ['-q x', /^unknown option '-q'$/],
  ['--quiet=1 x', /^option '--quiet' takes no value$/],
  ['--operation', /^option '--operation <name>' argument missing$/],
  ['--operation= x', /must not be empty$/],
  ['--timeout 5 x', /'5' is invalid: a duration such as 500ms, 30s, 5m or 2h is wanted/],
  ['--timeout 0s x', /is invalid/],
  ['--timeout 597h x', /at most 596h$/],
  ['--on-timeout stop x', /kill or expire is wanted$/],
  ['--max-lines 0 x', /a whole number from 1 is wanted$/],
  ['--max-lines 1.5 x', /a whole number from 1 is wanted$/],
];

const DEFAULTS = readRunArguments(['x']);
const split = (text: string): string[] => (text === '' ? [] : text.split(' '));

describe('readRunArguments', () => {
  for (const [text, said] of GOOD) {
    it(`understands: ${text}`, () => assert.deepEqual(readRunArguments(split(text)), { ...DEFAULTS, ...said }));
  }

  for (const [text, message] of BAD) {
    it(`refuses: ${text}`, () => {
      assert.throws(
        () => readRunArguments(split(text)),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  it('is asked for help before the command, not after', () => {
    assert.equal(readRunArguments(['--quiet', '--help']), undefined);
    assert.equal(readRunArguments(['-h', 'x']), undefined);
    assert.deepEqual(readRunArguments(['x', '--help'])?.command, ['x', '--help']);
  });
});

describe('runHelp', () => {
  it('names every option', () => {
    for (const { flag, meaning } of RUN_OPTIONS)
      assert.ok(runHelp().includes(`  ${flag}`) && runHelp().includes(meaning), flag);
  });
});
