/** Names of one queue that are told apart; a queue with more has names that are not bounded. */
const NAMES_PER_QUEUE = 64;

const MAX_CHARS = 100;

/** What ids look like inside of names: UUIDs, long hexadecimal, long numbers, dates. */
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{16,}|\d{5,}|\d{4}-\d{2}-\d{2}/i;

/** What jobs without a name have for one: nothing, or what Bull gives them. Any other word is a name. */
const UNNAMED: ReadonlySet<string> = new Set(['', '__default__']);

/**
 * Decides what a job is called in metrics: its own name, or that of its queue when the name is none, holds an id, or is
 * one of very many. A metric label must be bounded.
 */
export class BoundedNames {
  readonly #names = new Map<string, Set<string>>();

  /** @param fallback name of the queue, or whatever else is bounded by nature */
  choose(name: unknown, fallback: string): string {
    if (typeof name !== 'string') return fallback;
    let names = this.#names.get(fallback);
    if (names?.has(name) === true) return name;
    if (UNNAMED.has(name) || name.length > MAX_CHARS || ID.test(name)) return fallback;
    if (names === undefined) {
      // Queues that are made per customer or day are as many as names are elsewhere.
      if (this.#names.size >= NAMES_PER_QUEUE * NAMES_PER_QUEUE) return fallback;
      names = new Set();
      this.#names.set(fallback, names);
    }
    if (names.size >= NAMES_PER_QUEUE) return fallback;
    names.add(name);
    return name;
  }

  /** The same for the name of a function or of an export: every nameless one that a module exports is `default`. */
  chooseFunction(name: unknown, fallback: string): string {
    return name === 'default' ? fallback : this.choose(name, fallback);
  }
}
