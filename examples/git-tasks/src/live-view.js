/**
 * What the view keeps of a running job.
 *
 * @typedef {object} Row
 * @property {import('./job-queue.js').Job} job
 * @property {number} startedMs monotonic
 * @property {number} share 0 to 1
 * @property {string} message the latest word on its progress
 */

/** Milliseconds between two drawings of the running jobs on a terminal. */
const REDRAW_MS = 100;
const BAR_WIDTH = 12;

/**
 * Shows what runs and ends. Each event is one line; on a terminal a block below them shows the running jobs and is
 * drawn anew in place.
 */
export class LiveView {
  #stream;
  #inPlace;
  /** @type {Set<Row>} */
  #running = new Set();
  /** Lines of the block that stand on the terminal now. */
  #drawn = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {NodeJS.WriteStream} stream */
  constructor(stream) {
    this.#stream = stream;
    this.#inPlace = stream.isTTY === true && process.env.TERM !== 'dumb';
  }

  /**
   * @param {import('./job-queue.js').Job} job
   * @param {{waitedMs: number, requestId: string}} submission
   * @returns {Row}
   */
  started(job, { waitedMs, requestId }) {
    const row = { job, startedMs: performance.now(), share: 0, message: '' };
    this.#running.add(row);
    this.#event('started', job, `${requestId} of ${job.user}, waited ${seconds(waitedMs)}`);
    if (this.#inPlace) this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS).unref();
    return row;
  }

  /**
   * @param {Row} row
   * @param {number} share
   * @param {string | undefined} message
   */
  progress(row, share, message) {
    row.share = share;
    row.message = message ?? row.message;
  }

  /**
   * @param {Row} row
   * @param {import('./job-queue.js').JobEnd} end
   */
  ended(row, { status, error }) {
    this.#running.delete(row);
    const took = seconds(performance.now() - row.startedMs);
    this.#event(status, row.job, `${took}  ${error === undefined ? row.message : firstLine(error)}`);
  }

  /** @param {string} text one line, or several */
  line(text) {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /** Nothing is drawn in place any more. */
  close() {
    clearInterval(this.#timer);
    this.#running.clear();
    this.#erase();
  }

  /**
   * @param {string} word
   * @param {import('./job-queue.js').Job} job
   * @param {string} detail
   */
  #event(word, job, detail) {
    const time = new Date().toLocaleTimeString('en-GB', { hour12: false });
    this.line(`${time}  ${columns(word, job)}  ${detail}`.trimEnd());
  }

  #draw() {
    if (!this.#inPlace || this.#running.size === 0) return;
    const width = (this.#stream.columns || 80) - 1;
    const lines = [...this.#running].map((row) => {
      const took = seconds(performance.now() - row.startedMs);
      return `          ${columns(bar(row.share), row.job)}  ${took}  ${row.message}`.slice(0, width);
    });
    this.#erase();
    this.#stream.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #erase() {
    if (this.#drawn > 0) this.#stream.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }
}

/**
 * @param {string} word
 * @param {import('./job-queue.js').Job} job
 */
function columns(word, { operation, label }) {
  return `${word.padEnd(BAR_WIDTH)}${operation.padEnd(20)}${label.padEnd(22)}`;
}

/** @param {number} share */
function bar(share) {
  const full = Math.round(share * (BAR_WIDTH - 2));
  return '█'.repeat(full).padEnd(BAR_WIDTH - 2, '░');
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** @param {unknown} error */
function firstLine(error) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.split('\n', 1)[0] ?? '';
}
