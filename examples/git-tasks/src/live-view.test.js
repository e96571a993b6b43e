import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { LiveView } from './live-view.js';

/** @type {import('./job-queue.js').Job} */
const JOB = { operation: 'commit', label: 'note 1', lane: 'write', user: 'alice', repository: 'house', work: [] };
const SUBMISSION = { waitedMs: 120, requestId: 'req-001' };

describe('the live view', () => {
  it('writes one line per event, without control characters, where there is no terminal', () => {
    const { stream, text } = listen({ isTTY: false });
    const view = new LiveView(stream);
    const row = view.started(JOB, SUBMISSION);
    view.progress(row, 0.5, 'half of it');
    view.line('a line of the log');
    view.ended(row, { job: JOB, status: 'success', value: undefined, error: undefined });
    view.close();
    const lines = text().split('\n');
    assert.equal(lines.length, 4);
    assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d {2}started {5}commit {14}note 1 +req-001 of alice, waited 0\.12 s$/);
    assert.equal(lines[1], 'a line of the log');
    assert.match(lines[2] ?? '', /^\d\d:\d\d:\d\d {2}success {5}commit {14}note 1 +\d+\.\d\d s {2}half of it$/);
    assert.equal(text().includes('\x1b'), false);
  });

  it('draws what runs below the events on a terminal, and leaves the events alone there', () => {
    const { stream, text } = listen({ isTTY: true, columns: 60 });
    const view = new LiveView(stream);
    const first = view.started(JOB, SUBMISSION);
    const second = view.started({ ...JOB, label: 'note 2' }, SUBMISSION);
    view.progress(first, 0.5, 'half of it');
    view.line('a line of the log');
    assert.deepEqual(
      screen(text()).map((line) => line.slice(10, 59)),
      [
        'started     commit              note 1           ',
        'started     commit              note 2           ',
        'the log',
        '█████░░░░░  commit              note 1           ',
        '░░░░░░░░░░  commit              note 2           ',
      ],
    );
    for (const row of [first, second]) {
      view.ended(row, { job: row.job, status: 'failure', value: undefined, error: new TypeError('no\nway') });
    }
    view.close();
    const left = screen(text());
    assert.equal(left.length, 5);
    assert.match(left[4] ?? '', /failure .* note 2 .* TypeError: no$/);
  });
});

/** @param {{isTTY: boolean, columns?: number}} terminal */
function listen(terminal) {
  let written = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  const stream = /** @type {NodeJS.WriteStream} */ (Object.assign(sink, terminal));
  return { stream, text: () => written };
}

/**
 * What a terminal shows after the text.
 *
 * @param {string} text
 * @returns {string[]}
 */
function screen(text) {
  /** @type {string[]} */
  let lines = [];
  const up = `${String.fromCharCode(27)}[`;
  for (const part of text.split(/(?=\n)|(?<=\n)/)) {
    let rest = part;
    while (rest.startsWith(up)) {
      const count = /^\d+A/.exec(rest.slice(up.length))?.[0];
      if (count !== undefined) lines = lines.slice(0, lines.length - Number.parseInt(count, 10));
      rest = rest.slice(up.length + (count ?? 'J').length);
    }
    if (rest !== '\n' && rest !== '') lines.push(rest);
  }
  return lines;
}
