import type { OutputStream } from '../collect/output-log.ts';
import { OUTPUT_STREAMS } from '../collect/output-log.ts';
import type { OutputStreams } from './output-pipe.ts';

/** Where the output of a command goes. */
export interface OutputTargets {
  /** Takes it into the log, before anybody sees it. @returns as `show` */
  keep(stream: OutputStream, chunk: Buffer): Promise<void> | undefined;
  /** Shows it. @returns when there is room for more; undefined when there is some now */
  show(stream: OutputStream, chunk: Buffer): Promise<void> | undefined;
}

/**
 * Reads what a command prints, as fast as it can be kept and shown: while there is no room, nothing is read, the pipe
 * fills, and the command waits, as it would for a slow terminal.
 */
export class OutputRelay {
  readonly #streams: OutputStreams;
  readonly #targets: OutputTargets;
  readonly #ended: Promise<unknown>;
  #isEnded = false;
  #mostMs = Number.POSITIVE_INFINITY;
  #paused = 0;
  /** What is left of the time for draining, and what to do when it is over. */
  #drain: { leftMs: number; readonly over: () => void } | undefined;
  #timer: { readonly id: NodeJS.Timeout; readonly since: number } | undefined;

  constructor(streams: OutputStreams, targets: OutputTargets) {
    this.#streams = streams;
    this.#targets = targets;
    this.#ended = Promise.all(OUTPUT_STREAMS.map((name) => this.#read(name))).then(() => {
      this.#isEnded = true;
    });
  }

  /**
   * Reads on until nobody holds the pipes any more, or until the time is over. Time in which reading has to wait for room
   * does not count: what was printed before the exit is always read.
   *
   * @returns false when somebody still held them
   */
  async drained(ms: number): Promise<boolean> {
    // The pipes usually end with the command: this turn of the loop, or the next.
    const over = new Promise<void>((resolve) => {
      this.#drain = { leftMs: Math.min(ms, this.#mostMs), over: resolve };
    });
    this.#tick();
    await Promise.race([this.#ended, over]);
    this.#stop();
    return this.#isEnded;
  }

  /** Reads for this time at most after the exit, which may have been already. */
  hurry(ms: number): void {
    this.#mostMs = ms;
    if (this.#drain === undefined) return;
    this.#drain.leftMs = Math.min(this.#drain.leftMs, ms);
    this.#tick();
  }

  /** Reads nothing any more: whoever still writes is told so by the system. */
  #stop(): void {
    this.#drain = undefined;
    this.#tick();
    for (const name of OUTPUT_STREAMS) this.#streams[name].destroy();
  }

  #read(name: OutputStream): Promise<void> {
    const stream = this.#streams[name];
    return new Promise((resolve) => {
      stream.on('data', (chunk: Buffer) => {
        const kept = this.#targets.keep(name, chunk);
        const shown = this.#targets.show(name, chunk);
        if (kept !== undefined || shown !== undefined) this.#wait(name, Promise.all([kept, shown]));
      });
      stream.once('end', resolve);
      // A pipe that cannot be read any more has ended for us.
      stream.once('error', () => resolve());
    });
  }

  #wait(name: OutputStream, room: Promise<unknown>): void {
    const stream = this.#streams[name];
    stream.pause();
    this.#paused += 1;
    this.#tick();
    void room.then(() => {
      this.#paused -= 1;
      this.#tick();
      stream.resume();
    });
  }

  /** Lets the time for draining run while something is read, and only then. */
  #tick(): void {
    const drain = this.#drain;
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer.id);
      if (drain !== undefined) drain.leftMs -= performance.now() - this.#timer.since;
      this.#timer = undefined;
    }
    if (drain === undefined || this.#paused > 0) return;
    this.#timer = { id: setTimeout(drain.over, Math.max(0, drain.leftMs)), since: performance.now() };
  }
}
