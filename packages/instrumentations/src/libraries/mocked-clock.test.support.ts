/** A clock and timers for the tests of schedulers: time passes when it is told to, and an event loop can be blocked. */
import { mock } from 'node:test';

/** A whole minute. */
const BEGINNING = Date.UTC(2030, 0, 1, 12, 0, 0);

export interface MockedClock {
  readonly beginning: number;
  /** Time passes, timers go off when they are due, and what they began has its turns. */
  pass(ms: number): Promise<void>;
  /** Time passes and no timer goes off: somebody computes. */
  block(ms: number): void;
  stop(): void;
}

export function mockClock(): MockedClock {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: BEGINNING });
  return {
    beginning: BEGINNING,
    async pass(ms) {
      // Bit by bit, for promises between timers.
      for (let left = ms; left > 0; left -= 100) {
        mock.timers.tick(Math.min(100, left));
        await turn();
      }
      await turn();
    },
    block: (ms) => mock.timers.setTime(Date.now() + ms),
    stop: () => mock.timers.reset(),
  };
}

/** What is pending gets its turn. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 3; count += 1) await new Promise((resolve) => setImmediate(resolve));
}
