import { getJson } from './http-json.ts';

/** A value of a tag as Jaeger's API gives it. */
type TagValue = string | number | boolean;

/** A span as a user of Jaeger sees it. */
export interface JaegerSpan {
  /** Lower-case hex, as in the files. */
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly service: string;
  readonly tags: Readonly<Record<string, TagValue>>;
  /** Span id of the parent in the same trace. */
  readonly parent: string | undefined;
  /** `<trace id> <span id>` of what it is linked to. */
  readonly links: readonly string[];
  readonly durationMs: number;
  /** Names of the span's events. */
  readonly events: readonly string[];
}

interface ApiTag {
  readonly key: string;
  readonly value: TagValue;
}

interface ApiSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references?: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly duration: number;
  readonly tags?: readonly ApiTag[];
  readonly logs?: readonly { readonly fields: readonly ApiTag[] }[];
  readonly processID: string;
}

interface ApiTraces {
  readonly data: readonly {
    readonly spans: readonly ApiSpan[];
    readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
  }[];
}

/** Jaeger's query API, the one that its web page uses. */
export class JaegerQuery {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async services(): Promise<readonly string[]> {
    const { data } = await getJson<{ readonly data: readonly string[] | null }>(`${this.#url}/api/services`);
    return data ?? [];
  }

  /** URL of a search for traces of a service that have a span with all these tags; newest first. */
  searchUrl(service: string, tags: Readonly<Record<string, string>> = {}, limit = 1500): URL {
    const url = new URL('/api/traces', this.#url);
    url.searchParams.set('service', service);
    if (Object.keys(tags).length > 0) url.searchParams.set('tags', JSON.stringify(tags));
    url.searchParams.set('limit', String(limit));
    url.searchParams.set('lookback', '1h');
    return url;
  }

  /** All spans of the traces found, as many times as Jaeger has them. */
  async spans(service: string, tags?: Readonly<Record<string, string>>): Promise<readonly JaegerSpan[]> {
    return spansOf(await getJson<ApiTraces>(this.searchUrl(service, tags)));
  }

  /** The spans of one trace. */
  async trace(traceId: string): Promise<readonly JaegerSpan[]> {
    return spansOf(await getJson<ApiTraces>(`${this.#url}/api/traces/${traceId}`));
  }
}

function spansOf({ data }: ApiTraces): JaegerSpan[] {
  return data.flatMap(({ spans, processes }) =>
    spans.map((span) => {
      const references = span.references ?? [];
      const parent = references.find(({ refType, traceID }) => refType === 'CHILD_OF' && traceID === span.traceID);
      return {
        traceId: span.traceID,
        spanId: span.spanID,
        name: span.operationName,
        service: processes[span.processID]?.serviceName ?? '',
        tags: tagsOf(span.tags),
        parent: parent?.spanID,
        links: references.flatMap((one) => (one.refType === 'FOLLOWS_FROM' ? [`${one.traceID} ${one.spanID}`] : [])),
        durationMs: span.duration / 1000,
        events: (span.logs ?? []).map(({ fields }) => String(tagsOf(fields)['event'])),
      };
    }),
  );
}

function tagsOf(tags: readonly ApiTag[] = []): Record<string, TagValue> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}
