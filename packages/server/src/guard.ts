import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access, AccessTokens } from './access-tokens.ts';
import { HttpProblem } from './problem.ts';
import { ROUTES, routeOfPath } from './routes.ts';
import { isForeignPage, type ServerNames } from './server-names.ts';

/** On every answer: nothing here is for a page of another origin, nor to be kept by anything in between. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Decides whether a request may be answered at all, before anything of it is read but its head. */
export class Guard {
  readonly #names: ServerNames;
  readonly #tokens: AccessTokens;

  constructor(names: ServerNames, tokens: AccessTokens) {
    this.#names = names;
    this.#tokens = tokens;
  }

  /**
   * @returns what the request may see
   * @throws HttpProblem when it may not be answered
   */
  admit(request: IncomingMessage, response: ServerResponse): Access {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    const { headers } = request;
    const { host, path } = targetOf(request.url ?? '');
    const called = host === undefined ? [headers.host] : [headers.host, host];
    if (!called.every((name) => this.#names.includes(name, request.socket.localAddress))) {
      throw new HttpProblem('misdirected', 'the Host of the request is not a name of this server');
    }
    if (isForeignPage(headers)) {
      throw new HttpProblem('foreign_origin', 'pages of other origins may not read this');
    }
    const route = routeOfPath(path);
    const access = this.#tokens.accessOf(headers.authorization);
    if (access === undefined && (route === undefined || ROUTES[route].isOpen !== true)) {
      response.setHeader('www-authenticate', 'Bearer');
      throw new HttpProblem('unauthorized', 'a token is wanted: Authorization: Bearer <token>');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      if (route === undefined) throw new HttpProblem('not_found', 'there is no such path');
      response.setHeader('allow', 'GET, HEAD');
      throw new HttpProblem('method_not_allowed', 'everything here is read with GET');
    }
    // An open route shows nothing that would need it.
    return access ?? { service: '' };
  }
}

/** The path of a request, and the host of one that names it there, as for a proxy (RFC 9112, 3.2.2). */
function targetOf(url: string): { readonly host: string | undefined; readonly path: string } {
  const [target = ''] = url.split('?', 1);
  const [, host, path] = /^[a-z][a-z0-9+.-]*:\/\/([^/]*)(.*)$/is.exec(target) ?? [];
  return host === undefined ? { host, path: target } : { host, path: path ?? '' };
}
