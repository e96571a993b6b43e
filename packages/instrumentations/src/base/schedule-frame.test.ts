import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  claimHandler,
  currentOwner,
  currentTick,
  duringTick,
  jobName,
  nameJob,
  ownerOfHandler,
  type TickOwner,
  whileOwning,
} from './schedule-frame.ts';

const owner = (): TickOwner => ({ missed: () => {} });

describe('schedule frames', () => {
  it('own jobs of a library during the call only, nested and when it throws', () => {
    const [one, other] = [owner(), owner()];
    assert.equal(currentOwner('cron'), undefined);
    whileOwning('cron', one, () => {
      whileOwning('croner', other, () =>
        assert.deepEqual([currentOwner('cron'), currentOwner('croner')], [one, other]),
      );
      assert.equal(currentOwner('croner'), undefined);
    });
    assert.throws(() =>
      whileOwning('cron', one, () => {
        throw new Error('x');
      }),
    );
    assert.equal(currentOwner('cron'), undefined);
  });

  it('hand what is known of a tick to the first who asks in it, not beyond an await', async () => {
    const facts = { schedule: '* * * * *', trigger: 'schedule' } as const;
    const { value, taken } = duringTick(facts, async () => {
      assert.equal(currentTick(), facts);
      assert.equal(currentTick(), undefined);
      await Promise.resolve();
      return currentTick();
    });
    assert.equal(taken, true);
    assert.equal(currentTick(), undefined);
    assert.equal(await value, undefined);
    assert.equal(duringTick(facts, () => {}).taken, false);
  });

  it('remember whose a handler is, and what a job is called', () => {
    const [own, handler, job] = [owner(), (): void => {}, {}];
    claimHandler(handler, own);
    claimHandler('no function', own);
    nameJob(job, 'nightly');
    nameJob(undefined, 'nightly');
    nameJob({}, 7);
    assert.deepEqual(
      [ownerOfHandler(handler), ownerOfHandler(() => {}), ownerOfHandler('no function')],
      [own, undefined, undefined],
    );
    assert.deepEqual([jobName(job), jobName({})], ['nightly', undefined]);
  });
});
