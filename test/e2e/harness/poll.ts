import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  /** Milliseconds after which the last failure is thrown. Default 30 s: these machines are slow and shared. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks. Default 50. */
  readonly everyMs?: number;
  /** Added to what is thrown in the end, such as the output of a server. */
  readonly evidence?: () => string;
}

/**
 * Looks again and again until `look` returns without throwing, and returns what it returned. For what tells nobody when
 * it happens: a server that becomes ready, a trace that becomes searchable, a file that another process writes.
 */
export async function poll<T>(what: string, look: () => T | Promise<T>, options: PollOptions = {}): Promise<T> {
  const { timeoutMs = 30_000, everyMs = 50, evidence } = options;
  const until = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (performance.now() >= until) {
        const seen = evidence === undefined ? '' : `\n${evidence()}`;
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`${what}: not within ${timeoutMs} ms: ${why}${seen}`, { cause: error });
      }
      await sleep(everyMs);
    }
  }
}
