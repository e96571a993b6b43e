import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, it } from 'mocha';
import { checkCommand, LONGEST_TIMER_MS } from './checked-options.ts';
import type { RunCommandOptions } from './command-options.ts';

describe('checkCommand', () => {
  it('knows the defaults', () => {
    const checked = checkCommand(['/bin/ls', '-l'], {});
    assert.deepEqual(
      { ...checked, env: undefined },
      {
        program: '/bin/ls',
        args: ['-l'],
        operation: 'ls',
        id: undefined,
        label: undefined,
        outputs: [],
        inputs: [],
        timeoutMs: undefined,
        onTimeout: 'kill',
        drainMs: 5000,
        heartbeatMs: 30_000,
        maxLinesPerSecond: undefined,
        env: undefined,
        cwd: undefined,
        show: false,
        signal: undefined,
      },
    );
    assert.equal(checked.env, process.env);
  });

  for (const [field, bad] of Object.entries({
    timeoutMs: [0, -1, Number.NaN, LONGEST_TIMER_MS + 1, '500'],
    drainMs: [-1, Number.POSITIVE_INFINITY],
    heartbeatMs: [0],
    maxLinesPerSecond: [0, 'many'],
    outputs: ['a', [1]],
    inputs: [null],
    onTimeout: ['stop'],
    operation: [7],
    label: [{}],
    id: [null],
    env: ['A=1', { A: 1 }],
    cwd: [1],
    show: ['yes'],
    signal: [new EventTarget()],
  })) {
    for (const value of bad) {
      it(`refuses ${field} ${inspect(value)}, and says so`, () => {
        assert.throws(
          () => checkCommand(['x'], { [field]: value } as unknown as RunCommandOptions),
          (error) =>
            error instanceof TypeError &&
            error.message.startsWith(`${field} cannot be `) &&
            / is wanted$/.test(error.message),
        );
      });
    }
  }

  it('takes an option that is undefined for none', () => {
    const options = { timeoutMs: undefined, label: undefined, signal: undefined };
    assert.deepEqual(checkCommand(['x'], options), checkCommand(['x'], {}));
  });

  it('names what it does not know, with its value', () => {
    assert.throws(
      () => checkCommand(['x'], { timeout: 500 } as RunCommandOptions),
      /^TypeError: there is no option timeout \(500\); known are operation, .*timeoutMs/,
    );
    assert.throws(() => checkCommand(['x'], { toString: 1 } as unknown as RunCommandOptions), /no option toString/);
    assert.throws(() => checkCommand(['x'], null as unknown as RunCommandOptions), /options cannot be null/);
  });

  it('shows nothing of an environment', () => {
    const env = { PASS: ['secret'] } as unknown as Record<string, string>;
    assert.throws(
      () => checkCommand(['x'], { env }),
      (error) => !/secret/.test(String(error)),
    );
  });

  it('refuses what is no command', () => {
    for (const command of [[], [''], 'ls', null, [1], ['ls', 1]]) {
      assert.throws(() => checkCommand(command as readonly string[], {}), /^TypeError: command cannot be /);
    }
  });
});
