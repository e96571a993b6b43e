/** Fetches with a limit in time. */
const REQUEST_TIMEOUT_MS = 10_000;

/** The text at a URL; throws on any other answer than 2xx, with what it said. */
export async function getText(url: string | URL): Promise<string> {
  // A connection that is kept open keeps Jaeger from ending in order.
  const headers = { connection: 'close' };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text.slice(0, 500)}`);
  return text;
}

/** The JSON at a URL, of a shape that the caller knows; throws as {@link getText}. */
export async function getJson<T>(url: string | URL): Promise<T> {
  return JSON.parse(await getText(url)) as T;
}
