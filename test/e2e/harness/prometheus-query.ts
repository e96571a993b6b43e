import { getJson } from './http-json.ts';
import type { Sample } from './prometheus-text.ts';

interface ApiAnswer {
  readonly status: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** Prometheus' query API. */
export class PrometheusQuery {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  queryUrl(expression: string): URL {
    const url = new URL('/api/v1/query', this.#url);
    url.searchParams.set('query', expression);
    return url;
  }

  /** The series that an expression gives now. */
  async query(expression: string): Promise<readonly Sample[]> {
    const { data } = await getJson<ApiAnswer>(this.queryUrl(expression));
    return data.result.map(({ metric, value }) => {
      const { __name__: name = '', ...labels } = metric;
      return { name, labels, value: Number(value[1]) };
    });
  }

  /** The one number that an expression gives; undefined when it gives nothing. Throws when it gives several series. */
  async number(expression: string): Promise<number | undefined> {
    const samples = await this.query(expression);
    if (samples.length > 1) throw new Error(`${expression} gives ${samples.length} series`);
    return samples[0]?.value;
  }
}
