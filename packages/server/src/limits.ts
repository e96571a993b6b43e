/** Every limit of the server, with its reason. */
export interface ServerLimits {
  /** Connections at once; those beyond are closed. */
  readonly connections: number;
  /** Live streams at once; those beyond are answered with 429. */
  readonly streams: number;
  /** Calls of the reader that are under way at once; further ones wait. More than the threads of the disk gains nothing. */
  readonly reads: number;
  /** Of these, searches, which read whole files: lists and look-ups go on beside them. */
  readonly searches: number;
  /** Requests that may wait for their turn; those beyond are answered with 429. */
  readonly waiting: number;
  /** Bytes of a request's line and headers together; more is answered with 431. */
  readonly headerBytes: number;
  /** Milliseconds until the headers of a request are there. */
  readonly headersTimeoutMs: number;
  /** Milliseconds until a request is there. */
  readonly requestTimeoutMs: number;
  /** Milliseconds that an idle connection is kept. */
  readonly keepAliveMs: number;
  /** Milliseconds in which a client must take the next piece of an answer; else its connection is closed. */
  readonly stallMs: number;
  /** Milliseconds between two signs of life on a stream, so that nothing between here and the client closes it. */
  readonly heartbeatMs: number;
  /** Characters that an answer has in memory, about: it is read in pages of that size, as fast as the client takes it. */
  readonly pageChars: number;
}

export const DEFAULT_LIMITS: ServerLimits = Object.freeze({
  connections: 1024,
  streams: 512,
  reads: 8,
  searches: 2,
  waiting: 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  // Longer than the usual interval of a scrape.
  keepAliveMs: 75_000,
  stallMs: 120_000,
  heartbeatMs: 15_000,
  pageChars: 128 * 1024,
});

/**
 * The default limits with those of the caller over them.
 *
 * @throws RangeError for what is no positive whole number
 */
export function serverLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(limits, name)) throw new RangeError(`limits.${name} is not known`);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`limits.${name} must be a positive whole number, got ${String(value)}`);
    }
    Object.assign(limits, { [name]: value });
  }
  return Object.freeze(limits);
}
