import assert from 'node:assert/strict';
import type { JobLogEntry, TailEvent } from '@taskspan/joblog';
import { eventPieces } from './event-stream.ts';

describe('an event stream', () => {
  it('has each entry in one line of data, with its cursor, and an end', async () => {
    const entry: JobLogEntry = {
      timestamp: '2026-01-27T10:30:45.000000001Z',
      job_id: 'a',
      outputs: [],
      sequence_number: 1,
      log: { level: 'INFO', message: 'one\r\ntwo\nid: forged\n\nevent: end\u2028', fields: {} },
    };
    const events = async function* (): AsyncGenerator<TailEvent> {
      yield { type: 'entry', entry, cursor: 'c1' };
      yield { type: 'end' };
    };
    const pieces: string[] = [];
    for await (const piece of eventPieces(events(), new AbortController().signal)) pieces.push(piece);
    assert.deepEqual(pieces, [
      'retry: 1000\n\n',
      `id: c1\nevent: entry\ndata: ${JSON.stringify(entry)}\n\n`,
      'id: end\nevent: end\ndata: {}\n\n',
    ]);
    assert.equal(pieces[1]?.split('\n').length, 5);
  });

  it('that is stopped has no end: the client shall come back', async () => {
    const stop = new AbortController();
    const events = async function* (): AsyncGenerator<TailEvent> {
      stop.abort();
      yield { type: 'end' };
    };
    const pieces: string[] = [];
    for await (const piece of eventPieces(events(), stop.signal)) pieces.push(piece);
    assert.deepEqual(pieces, ['retry: 1000\n\n']);
  });
});
