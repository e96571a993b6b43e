/**
 * What the environment says about OTLP, as one frozen value. A pure function: it reads no file, opens nothing, warns
 * nobody; what is wrong stands in `warnings`, for the caller to report.
 * Source: the OpenTelemetry specification, "OTLP Exporter" and "Environment Variable Specification".
 */

/** The three signals as the variables and the paths name them. */
export type OtlpSignal = 'traces' | 'metrics' | 'logs';

export type OtlpProtocol = 'http/json' | 'http/protobuf';

export type TemporalityPreference = 'cumulative' | 'delta' | 'lowmemory';

/** Where and how one signal is sent. */
export interface OtlpTarget {
  /** Complete, with the path of the signal. */
  readonly url: string;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds that one request may take in all. */
  readonly timeoutMs: number;
  readonly compression: 'none' | 'gzip';
  /** Paths of PEM files, read when the first connection is made. */
  readonly certificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly clientCertificate: string | undefined;
}

export interface DeliveryConfig {
  /** Undefined: this signal is not sent through OTLP. */
  readonly traces: OtlpTarget | undefined;
  readonly metrics: OtlpTarget | undefined;
  readonly logs: OtlpTarget | undefined;
  /** True when `/metrics` is to be served for Prometheus. */
  readonly prometheus: boolean;
  /** Longest wait of an ended span in the queue, in milliseconds. */
  readonly spanDelayMs: number;
  /** Longest wait of a log record in the queue, in milliseconds. */
  readonly logDelayMs: number;
  /** Milliseconds between two pushes of metrics. */
  readonly metricIntervalMs: number;
  readonly temporality: TemporalityPreference;
  /** Each names the key, the value and what is used instead. */
  readonly warnings: readonly string[];
}

/** The part of `process.env` that is read. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Why these: the promise is that data is at the collector within a second or so, metrics at each usual scrape. */
const DELIVERY_DEFAULTS = {
  endpoint: 'http://localhost:4318',
  protocol: 'http/json',
  timeoutMs: 10_000,
  /** The specification's 5000 (spans) leaves a crash five seconds of spans to take away. */
  batchDelayMs: 1000,
  metricIntervalMs: 15_000,
} as const;

const PROTOCOLS: readonly OtlpProtocol[] = ['http/json', 'http/protobuf'];
const TEMPORALITIES: readonly TemporalityPreference[] = ['cumulative', 'delta', 'lowmemory'];
/** setTimeout takes no more than a signed 32-bit number; above it fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Reads the `OTEL_EXPORTER_OTLP_*`, `OTEL_*_EXPORTER`, batch and metric variables.
 *
 * A signal is sent when its `OTEL_<SIGNAL>_EXPORTER` names `otlp`, or when that is unset and an endpoint is given.
 * Metrics without either are for Prometheus.
 *
 * @param env usually `process.env`; an empty value counts as unset
 * @returns a frozen configuration; never throws
 */
export function readDeliveryConfig(env: Environment): DeliveryConfig {
  const source = new Source(env);
  const traces = source.exporters('traces', ['otlp', 'none']);
  const metrics = source.exporters('metrics', ['otlp', 'prometheus', 'none']);
  const logs = source.exporters('logs', ['otlp', 'none']);
  return Object.freeze({
    traces: traces.has('otlp') ? readTarget(source, 'traces') : undefined,
    metrics: metrics.has('otlp') ? readTarget(source, 'metrics') : undefined,
    logs: logs.has('otlp') ? readTarget(source, 'logs') : undefined,
    prometheus: metrics.has('prometheus'),
    spanDelayMs: source.milliseconds(['OTEL_BSP_SCHEDULE_DELAY'], DELIVERY_DEFAULTS.batchDelayMs, 0),
    logDelayMs: source.milliseconds(['OTEL_BLRP_SCHEDULE_DELAY'], DELIVERY_DEFAULTS.batchDelayMs, 0),
    metricIntervalMs: source.milliseconds(['OTEL_METRIC_EXPORT_INTERVAL'], DELIVERY_DEFAULTS.metricIntervalMs, 1),
    temporality: source.oneOf<TemporalityPreference>(
      ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'],
      TEMPORALITIES,
      'cumulative',
    ),
    warnings: Object.freeze([...source.warnings]),
  });
}

function readTarget(source: Source, signal: OtlpSignal): OtlpTarget {
  return Object.freeze({
    url: source.url(signal),
    protocol: source.oneOf<OtlpProtocol>(keys(signal, 'PROTOCOL'), PROTOCOLS, DELIVERY_DEFAULTS.protocol),
    headers: source.headers(signal),
    timeoutMs: source.milliseconds(keys(signal, 'TIMEOUT'), DELIVERY_DEFAULTS.timeoutMs, 1),
    compression: source.oneOf<'none' | 'gzip'>(keys(signal, 'COMPRESSION'), ['none', 'gzip'], 'none'),
    certificate: source.first(keys(signal, 'CERTIFICATE'))?.value,
    clientKey: source.first(keys(signal, 'CLIENT_KEY'))?.value,
    clientCertificate: source.first(keys(signal, 'CLIENT_CERTIFICATE'))?.value,
  });
}

/** The key of one signal before the key of all. */
function keys(signal: OtlpSignal, what: string): readonly string[] {
  return [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${what}`, `OTEL_EXPORTER_OTLP_${what}`];
}

/** Reads single variables, and gathers what is wrong with them, each problem once. */
class Source {
  readonly warnings = new Set<string>();
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The first of the keys that has a value. */
  first(candidates: readonly string[]): { key: string; value: string } | undefined {
    for (const key of candidates) {
      const value = this.#env[key]?.trim();
      if (value !== undefined && value !== '') return { key, value };
    }
    return undefined;
  }

  exporters(signal: OtlpSignal, known: readonly string[]): ReadonlySet<string> {
    const key = `OTEL_${signal.toUpperCase()}_EXPORTER`;
    const given = this.first([key]);
    const fallback = this.#fallbackExporter(signal);
    if (given === undefined) return new Set([fallback]);
    const names = new Set(given.value.split(',').map((name) => name.trim().toLowerCase()));
    names.delete('');
    for (const name of names) {
      if (known.includes(name)) continue;
      names.delete(name);
      const instead = names.size > 0 ? 'it is left out' : `using "${fallback}"`;
      this.warnings.add(`${key}: ${quote(name)} is not one of ${known.join(', ')}; ${instead}`);
    }
    if (names.size === 0) return new Set([fallback]);
    if (names.has('none') && names.size > 1) {
      this.warnings.add(`${key}: ${quote(given.value)} combines "none" with others; using "none"`);
      return new Set(['none']);
    }
    return names;
  }

  #fallbackExporter(signal: OtlpSignal): string {
    if (this.first(keys(signal, 'ENDPOINT')) !== undefined) return 'otlp';
    return signal === 'metrics' ? 'prometheus' : 'none';
  }

  oneOf<T extends string>(candidates: readonly string[], allowed: readonly T[], fallback: T): T {
    const given = this.first(candidates);
    if (given === undefined) return fallback;
    const lower = given.value.toLowerCase();
    const match = allowed.find((value) => value === lower);
    if (match === undefined) {
      this.warnings.add(
        `${given.key}: ${quote(given.value)} is not one of ${allowed.join(', ')}; using ${quote(fallback)}`,
      );
    }
    return match ?? fallback;
  }

  /** A whole or broken number of milliseconds, from `least` up. */
  milliseconds(candidates: readonly string[], fallback: number, least: number): number {
    const given = this.first(candidates);
    if (given === undefined) return fallback;
    const value = Number(given.value);
    if (value >= least && value <= LONGEST_TIMER_MS) return value;
    this.warnings.add(
      `${given.key}: ${quote(given.value)} is not a number of milliseconds from ${least}; using ${fallback}`,
    );
    return fallback;
  }

  /** The signal's own endpoint is taken as it is; the common one gets the signal's path. */
  url(signal: OtlpSignal): string {
    const [own = '', common = ''] = keys(signal, 'ENDPOINT');
    const base = this.#endpoint(common) ?? new URL(DELIVERY_DEFAULTS.endpoint);
    base.pathname = `${base.pathname.replace(/\/+$/, '')}/v1/${signal}`;
    return (this.#endpoint(own, base.href) ?? base).href;
  }

  #endpoint(key: string, fallback: string = DELIVERY_DEFAULTS.endpoint): URL | undefined {
    const given = this.first([key]);
    if (given === undefined) return undefined;
    const url = URL.canParse(given.value) ? new URL(given.value) : undefined;
    if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
    this.warnings.add(
      `${key}: ${quote(withoutPassword(given.value))} is not an http or https URL; using ${withoutPassword(fallback)}`,
    );
    return undefined;
  }

  /** Both header lists, the signal's own on top. Values may be secrets: no warning repeats them. */
  headers(signal: OtlpSignal): Readonly<Record<string, string>> {
    const merged: Record<string, string> = {};
    for (const key of [...keys(signal, 'HEADERS')].reverse()) {
      const given = this.first([key]);
      if (given === undefined) continue;
      given.value.split(',').forEach((pair, index) => {
        if (pair.trim() === '') return;
        const header = parseHeader(pair);
        if (header === undefined) {
          this.warnings.add(`${key}: entry ${index + 1} (value hidden) is not name=value; it is left out`);
        } else {
          merged[header.name] = header.value;
        }
      });
    }
    return Object.freeze(merged);
  }
}

/** One `name=value`, both percent-encoded, as in the W3C Baggage format; undefined when HTTP could not carry it. */
function parseHeader(pair: string): { name: string; value: string } | undefined {
  const split = pair.indexOf('=');
  if (split < 1) return undefined;
  const name = decode(pair.slice(0, split)).toLowerCase();
  const value = decode(pair.slice(split + 1));
  const valid = /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
  return valid ? { name, value } : undefined;
}

function decode(text: string): string {
  const trimmed = text.trim();
  try {
    return decodeURIComponent(trimmed);
  } catch {
    // A lone % is common in tokens that nobody encoded: they are meant literally.
    return trimmed;
  }
}

function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

const SIGNAL_PATH = /\/v1\/(traces|metrics|logs)$/;

/** Who takes what is sent there, alike for all signals: the address as it may stand in a message, without their paths. */
export function receiverOf({ url }: OtlpTarget): string {
  return withoutPassword(url).replace(SIGNAL_PATH, '');
}

/** An endpoint as it may stand in a message. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//***@');
}
