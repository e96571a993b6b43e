import type { OutputStream } from '../collect/output-log.ts';
import type { ShownOutput } from './shown-output.ts';

/** The showing of one command's output. It can be given up: the command is over, and whoever reads it may be stuck. */
export class RunShow {
  /** Undefined: nothing is shown. */
  readonly #output: ShownOutput | undefined;
  readonly #givenUp: Promise<void>;
  #isGivenUp = false;
  #give = (): void => {};

  constructor(output: ShownOutput | undefined) {
    this.#output = output;
    this.#givenUp = new Promise((resolve) => {
      this.#give = resolve;
    });
  }

  /** @returns when there is room for more; undefined when there is some now */
  write(stream: OutputStream, chunk: Uint8Array): Promise<void> | undefined {
    if (this.#isGivenUp) return undefined;
    const room = this.#output?.write(stream, chunk);
    return room && Promise.race([room, this.#givenUp]);
  }

  /** From now on nobody waits for what is not shown yet. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#give();
  }

  /** Resolves when all is shown, or given up. */
  async flushed(): Promise<void> {
    await Promise.race([this.#output?.flushed(), this.#givenUp]);
  }
}
