import { createHash, timingSafeEqual } from 'node:crypto';

/** A token that opens the server. */
export interface AccessToken {
  /** Any text without white space; the longer the better: whoever has it reads the logs. */
  readonly token: string;
  /** `service.name` of the only runs that it shows; undefined for all. */
  readonly service?: string | undefined;
}

/** What a request may see. */
export interface Access {
  /** `service.name`; undefined for everything. */
  readonly service: string | undefined;
}

/** Finds out what a request may see by its `Authorization: Bearer` header. */
export class AccessTokens {
  readonly #known: readonly { readonly digest: Buffer; readonly access: Access }[];

  /** @throws RangeError for a token that is empty or that no header could hold, and for one that is given twice */
  constructor(tokens: readonly AccessToken[]) {
    this.#known = tokens.map(({ token, service }) => {
      if (!/^[\x21-\x7e]+$/.test(token)) {
        throw new RangeError('a token must be a text of visible ASCII characters without spaces');
      }
      if (service === '') throw new RangeError('a token must be limited to a service.name that is not empty');
      return { digest: digestOf(token), access: { service } };
    });
    const distinct = new Set(this.#known.map(({ digest }) => digest.toString('hex')));
    if (distinct.size !== this.#known.length) throw new RangeError('a token must be given once');
  }

  /** Whether requests need none. */
  get isEmpty(): boolean {
    return this.#known.length === 0;
  }

  /**
   * Takes the same time for every token: what is compared are digests, all of them.
   *
   * @param authorization the header
   * @returns undefined when it holds none of the tokens
   */
  accessOf(authorization: string | undefined): Access | undefined {
    if (this.isEmpty) return { service: undefined };
    const given = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    if (given === undefined) return undefined;
    const digest = digestOf(given);
    let found: Access | undefined;
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known.access;
    return found;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
