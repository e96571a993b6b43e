import assert from 'node:assert/strict';
import { Gate } from './gate.ts';

describe('Gate', () => {
  const never = new AbortController().signal;

  it('lets as many in as there are places, and the others in their order', async () => {
    const gate = new Gate(2, 10);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const works = [0, 1, 2, 3].map((n) =>
      gate.run(() => {
        begun.push(n);
        return new Promise<number>((resolve) => {
          ends[n] = () => resolve(n);
        });
      }, never),
    );
    assert.deepEqual(begun, [0, 1]);
    ends[1]?.();
    await works[1];
    assert.deepEqual(begun, [0, 1, 2]);
    ends[0]?.();
    await works[0];
    ends[2]?.();
    ends[3]?.();
    assert.deepEqual(await Promise.all(works), [0, 1, 2, 3]);
  });

  it('gives the place back when the work fails', async () => {
    const gate = new Gate(1, 1);
    await assert.rejects(
      gate.run(() => Promise.reject(new Error('broken')), never),
      /broken/,
    );
    assert.equal(await gate.run(() => Promise.resolve('next'), never), 'next');
  });

  it('does not begin the work of a client that has left', async () => {
    const gate = new Gate(1, 5);
    const client = new AbortController();
    let end: (() => void) | undefined;
    const first = gate.run(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
      never,
    );
    const second = gate.run(() => Promise.reject(new Error('begun')), client.signal);
    const third = gate.run(() => Promise.resolve('third'), never);
    client.abort(new Error('left'));
    end?.();
    await assert.rejects(second, /left/);
    assert.equal(await third, 'third');
    await first;
  });

  it('refuses what would wait behind too many', async () => {
    const gate = new Gate(1, 1);
    let end: (() => void) | undefined;
    const first = gate.run(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
      never,
    );
    const second = gate.run(() => Promise.resolve(2), never);
    await assert.rejects(
      gate.run(() => Promise.resolve(3), never),
      { code: 'busy' },
    );
    end?.();
    assert.equal(await second, 2);
    await first;
  });
});
