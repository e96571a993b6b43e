/**
 * Which names a request may call the server by. A web page elsewhere can have its own name resolved to a loopback
 * address and so read what is served there (DNS rebinding); but the browser then sends that name as `Host`.
 */
import { isIP } from 'node:net';
import { isLoopback, plainAddress } from './loopback.ts';

const HOST = /^(?:\[([0-9a-f:.]+(?:%[\w.]+)?)\]|([^\s:/@?#[\]\\]+))(?::(\d{1,5}))?$/i;

/** The names and addresses of a server, beside the loopback ones. */
export class ServerNames {
  readonly #allowed: ReadonlySet<string>;

  /**
   * @param allowed further names, such as that of a proxy in front, without a port
   * @throws RangeError for one that no `Host` header could have
   */
  constructor(allowed: readonly string[] = []) {
    this.#allowed = new Set(
      allowed.map((name) => {
        const host = hostNameOf(name) ?? hostNameOf(`[${name}]`);
        if (host === undefined) throw new RangeError(`${JSON.stringify(name)} is not the name of a host`);
        return host;
      }),
    );
  }

  /**
   * Whether a `Host` header names this server: `localhost`, a loopback address, an allowed name, or the very address
   * that the connection came in at. Ports do not matter: a page cannot choose the address by them.
   *
   * @param localAddress of the connection
   */
  includes(host: string | undefined, localAddress: string | undefined): boolean {
    const name = host === undefined ? undefined : hostNameOf(host);
    if (name === undefined) return false;
    if (name === 'localhost' || isLoopback(name) || this.#allowed.has(name)) return true;
    return isIP(name) !== 0 && localAddress !== undefined && name === plainAddress(localAddress);
  }
}

/** The name in a `Host` header, without port and brackets, in lower case; undefined when it is not one. */
function hostNameOf(host: string): string | undefined {
  const match = HOST.exec(host);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined || (match?.[1] !== undefined && isIP(match[1]) !== 6)) return undefined;
  return plainAddress(name.replace(/\.$/, ''));
}

/** Headers of a request that say which page asks. */
export interface PageHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
  readonly 'sec-fetch-mode'?: string | string[] | undefined;
}

/**
 * Whether a web page of another origin asks. Programs send no `Origin`; a page of the server itself sends its `Host`
 * there, whatever the scheme is by which a proxy in front serves it. Following a link from elsewhere is allowed: the
 * page that has the link does not see the answer.
 */
export function isForeignPage(headers: PageHeaders): boolean {
  if (headers.origin !== undefined) return originHost(headers.origin) !== hostWithPort(headers.host);
  return headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate';
}

/** `null` for an origin that is opaque or none: it equals no host. */
function originHost(origin: string): string | null {
  if (!/^https?:\/\/[^/?#]+$/i.test(origin) || !URL.canParse(origin)) return null;
  return new URL(origin).host;
}

function hostWithPort(host: string | undefined): string | undefined {
  const url = `http://${host ?? ''}`;
  if (!URL.canParse(url)) return undefined;
  // The port of https is left out of an origin, too.
  return new URL(url).host.replace(/:443$/, '');
}
