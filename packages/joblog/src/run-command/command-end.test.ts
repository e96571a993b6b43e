import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type CommandEnd, commandOutcome, programName } from './command-end.ts';

const END: CommandEnd = {
  exitCode: 0,
  signal: undefined,
  launchError: undefined,
  timedOut: false,
  aborted: false,
  received: new Set(),
  late: false,
};

/** What happened; then status, category, error type and what a shell says. */
const ENDS: readonly (readonly [string, Partial<CommandEnd>, readonly [string, string, string | undefined, number]])[] =
  [
    ['exit code 0', {}, ['success', 'success', undefined, 0]],
    ['exit code 1', { exitCode: 1 }, ['failure', 'error', 'exit_code_1', 1]],
    ['exit code 255', { exitCode: 255 }, ['failure', 'error', 'exit_code_255', 255]],
    ['a signal', { exitCode: undefined, signal: 'SIGKILL' }, ['failure', 'signal', 'SIGKILL', 137]],
    [
      'a signal that it was sent through us',
      { exitCode: undefined, signal: 'SIGTERM', received: new Set(['SIGTERM']) },
      ['cancelled', 'signal', 'aborted', 143],
    ],
    [
      'an exit code that names it',
      { exitCode: 130, received: new Set(['SIGINT']) },
      ['cancelled', 'error', 'aborted', 130],
    ],
    [
      'another signal',
      { exitCode: undefined, signal: 'SIGSEGV', received: new Set(['SIGHUP']) },
      ['failure', 'signal', 'SIGSEGV', 139],
    ],
    [
      'its own way after a signal',
      { exitCode: 0, received: new Set(['SIGTERM']) },
      ['success', 'success', undefined, 0],
    ],
    ['failing after a signal', { exitCode: 1, received: new Set(['SIGTERM']) }, ['failure', 'error', 'exit_code_1', 1]],
    ['a timeout', { exitCode: undefined, signal: 'SIGTERM', timedOut: true }, ['failure', 'timeout', 'timeout', 124]],
    ['a timeout with exit code 0', { timedOut: true }, ['failure', 'timeout', 'timeout', 124]],
    ['a caller', { exitCode: undefined, signal: 'SIGTERM', aborted: true }, ['cancelled', 'signal', 'aborted', 143]],
    ['success after its deadline', { late: true }, ['expired', 'success', undefined, 0]],
    ['failure after its deadline', { late: true, exitCode: 2 }, ['failure', 'error', 'exit_code_2', 2]],
    ['a program that is not there', { launchError: failed('ENOENT') }, ['failure', 'launch_failed', 'ENOENT', 127]],
    ['a program that may not run', { launchError: failed('EACCES') }, ['failure', 'launch_failed', 'EACCES', 126]],
    ['no room for a process', { launchError: failed('EAGAIN') }, ['failure', 'launch_failed', 'EAGAIN', 126]],
  ];

describe('commandOutcome', () => {
  for (const [what, end, [status, category, errorType, shellStatus]] of ENDS) {
    it(`calls ${what} ${status}`, () => {
      assert.deepEqual(commandOutcome({ ...END, ...end }), { status, category, errorType, shellStatus });
    });
  }
});

describe('programName', () => {
  it('is the last part of the path', () => {
    assert.deepEqual(['/usr/bin/env', 'ls', './a/b.sh', '/'].map(programName), ['env', 'ls', 'b.sh', '/']);
  });
});

function failed(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
