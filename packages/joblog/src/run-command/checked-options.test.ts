import assert from 'node:assert/strict';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { checkCommand, LONGEST_TIMER_MS } from './checked-options.ts';
import type { RunCommandOptions } from './command-options.ts';

describe('checkCommand', () => {
  let warnings: string[];
  beforeEach(() => {
    warnings = [];
    clearReports();
    state.warn = (message) => warnings.push(message);
  });
  afterEach(() => {
    state.warn = undefined;
    clearReports();
  });

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
    assert.deepEqual(warnings, []);
  });

  for (const [field, bad] of Object.entries({
    timeoutMs: [0, -1, Number.NaN, LONGEST_TIMER_MS + 1, '5'],
    drainMs: [-1, Number.POSITIVE_INFINITY],
    heartbeatMs: [0],
    maxLinesPerSecond: [0, 'many'],
    outputs: ['a', [1]],
    inputs: [null],
    onTimeout: ['stop'],
  })) {
    for (const value of bad) {
      it(`reports ${field} ${String(value)} and takes the default`, () => {
        const checked = checkCommand(['x'], { [field]: value } as unknown as RunCommandOptions);
        const defaults = checkCommand(['x'], {});
        assert.deepEqual(checked, defaults);
        assert.equal(warnings.length, 1);
        assert.match(String(warnings[0]), new RegExp(`^${field} cannot be`));
      });
    }
  }

  it('refuses what is no command', () => {
    for (const command of [[], [''], 'ls', null]) {
      assert.throws(() => checkCommand(command as readonly string[], {}), TypeError);
    }
  });
});
