/** Scrapers remembered; beyond it the one that did not come for longest is forgotten. */
const SCRAPERS = 64;

/** Who asks again and again, and which reading was the last that it was told. */
export class Scrapers {
  readonly #lastReadings = new Map<string, number>();

  /** The last reading that this scraper was told, undefined for a new one; from now on it is `reading`. */
  next(scraper: string, reading: number): number | undefined {
    const last = this.#lastReadings.get(scraper);
    this.#lastReadings.delete(scraper);
    this.#lastReadings.set(scraper, reading);
    if (this.#lastReadings.size > SCRAPERS) {
      const [oldest] = this.#lastReadings.keys();
      if (oldest !== undefined) this.#lastReadings.delete(oldest);
    }
    return last;
  }
}

/**
 * Who scrapes: an operation that comes up between two scrapes of the same scraper is shown to it at 0 first, so that
 * `increase()` sees its first runs too.
 *
 * @param headers of the request, names in lower case
 * @param address of the client
 * @returns undefined when it is nobody who comes again
 */
export function scraperOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  address: string,
): string | undefined {
  const agent = String(headers['user-agent'] ?? '').slice(0, 200);
  const isScraper = headers['x-prometheus-scrape-timeout-seconds'] !== undefined || /^prometheus\//i.test(agent);
  return isScraper ? `${address} ${agent}` : undefined;
}
