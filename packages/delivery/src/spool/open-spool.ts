import { randomBytes } from 'node:crypto';
import { DROP_SIGNALS, type DropSignal, safely } from '@taskspan/core/hub';
import { SignalSpool, type SignalSpoolOptions } from './signal-spool.ts';
import { Spool } from './spool.ts';
import { HEARTBEAT_MS, SpoolClaim } from './spool-claim.ts';
import type { SpoolItem } from './spool-item.ts';
import { serviceKey } from './spool-names.ts';
import { thisOwner } from './spool-owner.ts';

export interface OpenSpoolOptions {
  /** The folder of all spools. */
  readonly root: string;
  readonly maxBytes: number;
  /** `service.name`; undefined: what is left is anybody's. */
  readonly service: string | undefined;
  readonly signals: ReadonlyMap<DropSignal, SignalSpoolOptions>;
}

/** The spool at work: its signals, its heartbeat, and its eye on those that others left. */
export class OpenSpool {
  readonly #spool: Spool;
  readonly #claim: SpoolClaim;
  readonly #signals = new Map<DropSignal, SignalSpool>();
  readonly #heartbeat: NodeJS.Timeout;
  #claiming: Promise<void> | undefined;
  #closed = false;

  constructor({ root, maxBytes, service, signals }: OpenSpoolOptions) {
    const key = service === undefined ? undefined : serviceKey(service);
    this.#spool = new Spool({ root, maxBytes, owner: thisOwner(), service: key, nonce });
    this.#claim = new SpoolClaim({ spool: this.#spool, root, nonce });
    for (const options of signals.values()) {
      this.#signals.set(options.report.signal, new SignalSpool(this.#spool, options));
    }
    this.#heartbeat = setInterval(() => void this.#spool.beat(), HEARTBEAT_MS).unref();
  }

  /** Undefined for a signal that this process does not send. */
  signal(signal: DropSignal): SignalSpool | undefined {
    return this.#signals.get(signal);
  }

  /** Takes over what dead processes have left, as far as there is room. Never rejects. */
  async claim(): Promise<void> {
    this.#claiming ??= this.#claimOnce();
    await this.#claiming;
    this.#claiming = undefined;
  }

  /** Keeps the last point of cumulative metrics, in place of the one before. Never rejects. */
  async putLast(item: SpoolItem): Promise<boolean> {
    return await this.#spool.putLast(item);
  }

  /** A newer point was delivered. */
  dropLast(): void {
    this.#spool.dropLast();
  }

  /**
   * For exit handlers: finishes what is under way, puts the rest of all signals on disk, and gives it to the next
   * process.
   *
   * @returns what the disk did not take
   */
  exit(rest: readonly ExitItem[]): readonly ExitItem[] {
    this.#spool.beginExit();
    const left = rest.filter(({ signal, item }) => !this.#spool.putSync(signal, item));
    this.#spool.release();
    return left;
  }

  /** Sends nothing more, waits for what is under way, and gives what is left to the next process. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    await Promise.all([...this.#signals.values()].map((signal) => signal.stop()));
    await this.#claiming;
    this.#spool.beginExit();
    this.#spool.release();
  }

  async #claimOnce(): Promise<void> {
    try {
      const found = await this.#claim.scan();
      if (this.#closed) return;
      for (const signal of DROP_SIGNALS) if (found.has(signal)) this.#signals.get(signal)?.wakeBacklog();
    } catch (error) {
      safely('taking over the spool of another process', () => {
        throw error;
      });
    }
  }
}

/** A request that is put on disk at the end of the process. */
export interface ExitItem {
  readonly signal: DropSignal;
  readonly item: SpoolItem;
}

function nonce(): string {
  return randomBytes(8).toString('hex');
}
