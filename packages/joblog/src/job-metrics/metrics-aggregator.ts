/** `Content-Type` of what {@link MetricsAggregator.render} returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface MetricsAggregatorOptions {
  /** Logs folder, or several whose runs are counted once each. */
  readonly logs: string | readonly string[];
  /** Folder that keeps what was counted (`<dir>/index`); without it everything is read again by the next process. */
  readonly state?: string | undefined;
  /** Before the names of `async_*`, as `TASKSPAN_NAMESPACE`. */
  readonly namespace?: string | undefined;
}

export interface RenderOptions {
  /** Who scrapes again and again: {@link scraperOf} tells it. Without it all is shown as it stands. */
  readonly scraper?: string | undefined;
}

/**
 * Counts runs from the files of a store, for those that nobody could scrape, and renders them as Prometheus text.
 */
export class MetricsAggregator {
  constructor(_options: MetricsAggregatorOptions) {}

  /** Reads what is new in the files. Calls that overlap share one reading. Never rejects: what cannot be read is counted. */
  async refresh(): Promise<void> {}

  /** The text of the Prometheus exposition format, as of the last refresh. */
  render(_options: RenderOptions = {}): string {
    return '';
  }

  /** Saves what was counted. */
  async close(): Promise<void> {}
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
  const agent = String(headers['user-agent'] ?? '');
  const isScraper = headers['x-prometheus-scrape-timeout-seconds'] !== undefined || /^prometheus\//i.test(agent);
  return isScraper ? `${address} ${agent}` : undefined;
}
