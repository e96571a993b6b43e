import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type DropSignal, safely } from '@taskspan/core/hub';
import type { OpenSpool } from './open-spool.ts';
import type { SignalSpool, SignalSpoolOptions } from './signal-spool.ts';
import { spoolPlace } from './spool-place.ts';

export interface LazySpoolOptions {
  /** The folder of the toolkit, absolute; it exists. The spool lies in `spool` below it. */
  readonly directory: string;
  /** What the disk may hold of this process, in bytes; above 0. */
  readonly maxBytes: number;
  /** `service.name`: what its processes leave, its processes send. Undefined: anybody does. */
  readonly service?: string | undefined;
}

const load = createRequire(import.meta.url);
/** How often it is looked for what processes that are gone have left. */
const LOOK_MS = 30_000;

/**
 * The spool of this process, which most processes never need: nothing is loaded and no folder is made before the first
 * request fails, or something that others left is found.
 */
export class LazySpool {
  readonly #options: LazySpoolOptions;
  readonly #signals = new Map<DropSignal, SignalSpoolOptions>();
  #open: OpenSpool | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: LazySpoolOptions) {
    this.#options = options;
  }

  /** Says how a signal is sent. Signals that nobody sends stay where they are. */
  connect(options: SignalSpoolOptions): void {
    const { report, receiver } = options;
    this.#signals.set(report.signal, options);
    // Each signal waits by itself, up to half a minute: the first that gets through wakes the others.
    report.onRecovered = () => {
      for (const [signal, other] of this.#signals)
        if (other !== options && receiver !== undefined && other.receiver === receiver)
          this.opened(signal)?.receiverIsBack();
    };
  }

  /** Where it is, for a warning. */
  get place(): string {
    return spoolPlace(this.#root, this.#options.maxBytes);
  }

  /** The spool of a signal if there is one already. */
  opened(signal: DropSignal): SignalSpool | undefined {
    return this.#open?.signal(signal);
  }

  /** The spool of a signal; loaded at the first call, also in an exit handler. Undefined when that fails. */
  open(signal: DropSignal): SignalSpool | undefined {
    return this.#load()?.signal(signal);
  }

  /** The whole spool, if there is one already. */
  get current(): OpenSpool | undefined {
    return this.#open;
  }

  /** As `open`, for all signals. */
  load(): OpenSpool | undefined {
    return this.#load();
  }

  /** Looks for what dead processes have left, now and from time to time. Keeps no process alive. */
  watch(): void {
    if (this.#looking !== undefined) return;
    const look = (): void => {
      void this.#look();
    };
    this.#looking = setInterval(look, LOOK_MS).unref();
    look();
  }

  /** Sends nothing more, and gives what is left to the next process. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#looking);
    this.#looking = undefined;
    const open = this.#open;
    this.#open = undefined;
    await open?.close();
  }

  #load(): OpenSpool | undefined {
    this.#open ??= safely('opening the spool', () => {
      // Not import(): an exit handler cannot wait.
      const { OpenSpool } = load('./open-spool.js') as typeof import('./open-spool.ts');
      return new OpenSpool({ service: undefined, ...this.#options, root: this.#root, signals: this.#signals });
    });
    return this.#open;
  }

  async #look(): Promise<void> {
    const { readdir } = await import('node:fs/promises');
    const names = await readdir(this.#root).catch(() => []);
    if (this.#looking !== undefined && names.some((name) => name.startsWith('v1.'))) await this.#load()?.claim();
  }

  get #root(): string {
    return join(this.#options.directory, 'spool');
  }
}
