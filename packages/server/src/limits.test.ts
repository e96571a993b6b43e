import assert from 'node:assert/strict';
import { DEFAULT_LIMITS, type ServerLimits, serverLimits } from './limits.ts';

describe('serverLimits', () => {
  it('are the defaults where nothing is said', () => {
    assert.deepEqual(serverLimits(), DEFAULT_LIMITS);
    assert.deepEqual(serverLimits({ streams: undefined } as object), DEFAULT_LIMITS);
  });

  it('take what the caller says', () => {
    assert.deepEqual(serverLimits({ streams: 3 }), { ...DEFAULT_LIMITS, streams: 3 });
  });

  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5']) {
    it(`refuse ${String(value)}`, () => {
      assert.throws(
        () => serverLimits({ streams: value } as Partial<ServerLimits>),
        /limits\.streams must be a positive whole number/,
      );
    });
  }

  it('refuse a name that is none', () => {
    assert.throws(() => serverLimits({ stream: 5 } as Partial<ServerLimits>), /limits\.stream is not known/);
  });
});
