import type { ServerResponse } from 'node:http';

export interface BodyOptions {
  /** Milliseconds in which the client must take what was written last. */
  readonly stallMs: number;
  /** A text that is written now and then while there is nothing to say, and nothing waits to be taken. */
  readonly heartbeat?: { readonly text: string; readonly everyMs: number };
}

/**
 * Writes a body as fast as the client takes it: a piece is asked for when the one before has gone to the system, so
 * that a slow client holds one piece in memory. One that takes nothing for too long is cut off.
 *
 * @param response whose head has been written
 * @returns a promise that resolves when the body has gone to the system or the client has left; it rejects with the
 * error of a piece, and then the client sees that the body is not whole
 */
export async function writeBody(
  response: ServerResponse,
  pieces: AsyncIterable<string>,
  options: BodyOptions,
): Promise<void> {
  const beat = options.heartbeat;
  const timer =
    beat === undefined
      ? undefined
      : setInterval(() => {
          if (!response.writableNeedDrain && !response.destroyed) response.write(beat.text);
        }, beat.everyMs);
  try {
    for await (const piece of pieces) {
      if (response.destroyed) return;
      if (!response.write(piece)) await taken(response, 'drain', options.stallMs);
      if (response.destroyed) return;
    }
    if (response.destroyed) return;
    const finished = taken(response, 'finish', options.stallMs);
    response.end();
    await finished;
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Resolves at the event, when the client leaves, and when it is cut off. */
function taken(response: ServerResponse, event: 'drain' | 'finish', stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(stall);
      response.off(event, done);
      response.off('close', done);
      resolve();
    };
    const stall = setTimeout(() => response.destroy(), stallMs);
    response.once(event, done);
    response.once('close', done);
  });
}
