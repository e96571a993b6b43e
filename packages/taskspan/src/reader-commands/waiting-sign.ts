import type { CommandStream } from './command-io.ts';

/** What is quicker shows no sign. */
const SIGN_MS = 400;
const SIGNS = ['|', '/', '-', '\\'];
const CLEAR_LINE = '\r\u001b[K';

/** A line on a terminal that moves while something is waited for, and is gone afterwards. */
export class WaitingSign {
  readonly #timer: NodeJS.Timeout;
  readonly #stream: CommandStream;
  #shown = 0;

  constructor(text: string, stream: CommandStream) {
    this.#stream = stream;
    const startedAt = performance.now();
    this.#timer = setInterval(() => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
      stream.write(`\r${SIGNS[this.#shown % SIGNS.length]} ${text} ${seconds}s`);
      this.#shown += 1;
    }, SIGN_MS);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#shown > 0) this.#stream.write(CLEAR_LINE);
    this.#shown = 0;
  }
}
