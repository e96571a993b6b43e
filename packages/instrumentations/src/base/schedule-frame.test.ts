import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { currentTick, duringTick, isOwned, whileOwning } from './schedule-frame.ts';

describe('schedule frames', () => {
  it('own libraries during the call only, nested and when it throws', () => {
    assert.equal(isOwned('cron'), false);
    whileOwning(['cron'], () => {
      whileOwning(['croner'], () => assert.deepEqual([isOwned('cron'), isOwned('croner')], [true, true]));
      assert.equal(isOwned('croner'), false);
    });
    assert.throws(() =>
      whileOwning(['cron'], () => {
        throw new Error('x');
      }),
    );
    assert.equal(isOwned('cron'), false);
  });

  it('hand what is known of a tick to who is called in it, not beyond an await', async () => {
    const facts = { schedule: '* * * * *' };
    const later = duringTick(facts, async () => {
      assert.equal(currentTick(), facts);
      await Promise.resolve();
      return currentTick();
    });
    assert.equal(currentTick(), undefined);
    assert.equal(await later, undefined);
  });
});
