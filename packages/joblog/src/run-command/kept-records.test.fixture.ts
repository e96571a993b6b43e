import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { type RunRecord, state } from '@taskspan/core/hub';

/** Takes the records of the runs of a test, in the place of the toolkit. */
export class KeptRecords {
  readonly #records: RunRecord[] = [];
  readonly #sink = (record: RunRecord): void => {
    this.#records.push(record);
    for (const { isMet, met } of [...this.#awaited]) if (isMet(record)) met();
  };
  readonly #awaited: { readonly isMet: (record: RunRecord) => boolean; readonly met: () => void }[] = [];

  constructor() {
    state.sinks.push(this.#sink);
    state.tracerProvider = new BasicTracerProvider();
  }

  close(): void {
    state.sinks.splice(state.sinks.indexOf(this.#sink), 1);
    state.tracerProvider = undefined;
  }

  /** Resolves with the next record of this kind. */
  next(isMet: (record: RunRecord) => boolean): Promise<void> {
    return new Promise((met) => this.#awaited.push({ isMet, met }));
  }

  /** Records of one run, in the order of their numbers, which have no gap. */
  of(id: string | undefined): readonly RunRecord[] {
    const records = this.#records.filter(({ run }) => run.id === id);
    records.forEach(({ sequence }, at) => {
      if (sequence !== at + 1) throw new Error(`record ${at + 1} of ${id} has the number ${sequence}`);
    });
    return records;
  }

  /** Names of its events; log lines are `log`. */
  events(id: string | undefined): readonly string[] {
    return this.of(id).map(({ eventName }) => eventName?.replace('task.', '') ?? 'log');
  }

  /** Its log lines. */
  lines(id: string | undefined): readonly (string | undefined)[] {
    return this.of(id).flatMap(({ eventName, body }) => (eventName === undefined ? [body] : []));
  }

  /** Attributes of its event of this name. */
  event(id: string | undefined, name: string): Readonly<Record<string, unknown>> {
    const found = this.of(id).filter(({ eventName }) => eventName === `task.${name}`);
    if (found.length !== 1) throw new Error(`${found.length} events ${name} of ${id}`);
    return found[0]?.attributes ?? {};
  }
}
