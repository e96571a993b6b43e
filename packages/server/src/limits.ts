/** Every limit of the server, once, with its reason; the docs are made from this table. */
export interface ServerLimits {
  readonly connections: number;
  readonly streams: number;
  readonly lookUps: number;
  readonly reads: number;
  readonly searches: number;
  readonly waiting: number;
  readonly headerBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly stallMs: number;
  readonly heartbeatMs: number;
  readonly pageChars: number;
  readonly wholeChars: number;
}

export type LimitName = keyof ServerLimits;

interface LimitSpec {
  readonly value: number;
  readonly meaning: string;
}

export const LIMITS: Readonly<Record<LimitName, LimitSpec>> = {
  connections: { value: 1024, meaning: 'connections at once; those beyond are closed' },
  streams: { value: 512, meaning: 'live streams at once; those beyond get a 429' },
  lookUps: { value: 8, meaning: 'lists and look-ups at once, others wait' },
  reads: {
    value: 4,
    meaning: 'pages of logs read at once, beside those, others wait: more than the disk has threads gains nothing',
  },
  searches: { value: 2, meaning: 'searches at once, beside those: they read whole files' },
  waiting: { value: 1024, meaning: 'requests that wait for their turn; those beyond get a 429' },
  headerBytes: { value: 16 * 1024, meaning: 'bytes of the line and the headers of a request; more gets a 431' },
  headersTimeoutMs: { value: 10_000, meaning: 'milliseconds until the headers of a request must be there' },
  requestTimeoutMs: { value: 30_000, meaning: 'milliseconds until a whole request must be there' },
  // Longer than the usual interval of a scrape.
  keepAliveMs: { value: 75_000, meaning: 'milliseconds that an idle connection is kept' },
  stallMs: {
    value: 120_000,
    meaning: 'milliseconds in which a client must take the next 16 KiB of an answer, else it is cut off',
  },
  heartbeatMs: {
    value: 15_000,
    meaning: 'milliseconds between two signs of life on a stream, so that nothing on the way closes it',
  },
  pageChars: {
    value: 128 * 1024,
    meaning: 'characters, about, that an answer has in memory: it is read as fast as the client takes it',
  },
  wholeChars: {
    value: 128 * 1024 * 1024,
    meaning: 'characters of answers without pages (metric points, spans) in memory at once; those beyond get a 429',
  },
};

export const DEFAULT_LIMITS: ServerLimits = Object.freeze(
  Object.fromEntries(Object.entries(LIMITS).map(([name, { value }]) => [name, value])) as Record<LimitName, number>,
);

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
