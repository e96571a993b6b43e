import type { TailEvent } from '@taskspan/joblog';

/** Id of the event `end`: a client that comes back with it has had everything. */
export const END_ID = 'end';

/** A comment, which clients pass over. */
export const SIGN_OF_LIFE = ':\n\n';

/**
 * What a tail tells, as the text of server-sent events (HTML standard, 9.2): `entry` with the cursor after it as its id,
 * `end` when the run has ended.
 *
 * @param signal that stopped the tail
 */
export async function* eventPieces(
  events: AsyncIterable<TailEvent>,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  // At once, so that the client knows that the stream is open; it comes back after a second when it breaks off.
  yield 'retry: 1000\n\n';
  for await (const event of events) {
    // A tail that was stopped is not at its end: the client shall come back.
    if (signal.aborted) return;
    // JSON has no line break outside of escapes, so that one line of data holds it.
    if (event.type === 'end') yield `id: ${END_ID}\nevent: end\ndata: {}\n\n`;
    else yield `id: ${event.cursor}\nevent: entry\ndata: ${JSON.stringify(event.entry)}\n\n`;
  }
}
