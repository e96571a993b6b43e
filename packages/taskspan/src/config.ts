/**
 * What the code and the environment say, as one frozen value: code before environment before default. A pure function:
 * it reads no disk, opens nothing, warns nobody; what is wrong stands in `warnings`, for the caller to print.
 */
import {
  CONFIG,
  type ConfigEntry,
  DIAG_LEVELS,
  type DiagLevelName,
  LOG_BRIDGES,
  type LogBridge,
  PROPAGATORS,
  type PropagatorName,
  SAMPLERS,
  type SamplerName,
} from './config-table.ts';

export type MetricReaderName = 'prometheus' | 'otlp';

/** What can be said in code. Each goes before its environment variable; undefined says nothing. */
export interface ConfigOptions {
  readonly disabled?: boolean | undefined;
  readonly serviceName?: string | undefined;
  /** Laid over those of the environment, key by key. */
  readonly resourceAttributes?: Readonly<Record<string, string | number>> | undefined;
  readonly sampler?: SamplerName | undefined;
  readonly samplerRatio?: number | undefined;
  readonly tracesExporter?: 'otlp' | 'none' | undefined;
  readonly metricsExporter?: 'none' | MetricReaderName | readonly MetricReaderName[] | undefined;
  readonly logsExporter?: 'otlp' | 'none' | undefined;
  readonly endpoint?: string | undefined;
  readonly tracesEndpoint?: string | undefined;
  readonly metricsEndpoint?: string | undefined;
  readonly logsEndpoint?: string | undefined;
  readonly prometheusHost?: string | undefined;
  readonly prometheusPort?: number | undefined;
  readonly metricIntervalMs?: number | undefined;
  readonly propagators?: readonly PropagatorName[] | undefined;
  readonly logLevel?: DiagLevelName | undefined;
  readonly disabledInstrumentations?: readonly string[] | undefined;
  readonly dir?: string | undefined;
  readonly logsDir?: string | undefined;
  readonly files?: boolean | undefined;
  readonly runFilesPerHour?: number | 'unlimited' | undefined;
  /** Names with a leading `+` or `-`. */
  readonly instrumentations?: readonly string[] | undefined;
  readonly console?: boolean | undefined;
  readonly namespace?: string | undefined;
  readonly ignoreScopes?: readonly string[] | undefined;
  readonly quiet?: boolean | undefined;
}

/** A value that was not understood, and what holds instead. Passwords in URLs are blanked. */
export interface ConfigWarning {
  /** The environment variable, or the option of `start()`. */
  readonly key: string;
  readonly value: string;
  readonly fallback: string;
}

export interface Config {
  readonly disabled: boolean;
  readonly serviceName: string | undefined;
  readonly resourceAttributes: Readonly<Record<string, string | number>>;
  readonly sampler: SamplerName;
  /** 0..1, for the `traceidratio` samplers. */
  readonly samplerRatio: number;
  readonly sendTraces: boolean;
  readonly sendLogs: boolean;
  /** Empty: no metrics leave the process. */
  readonly metricReaders: readonly MetricReaderName[];
  readonly prometheusHost: string;
  readonly prometheusPort: number;
  readonly metricIntervalMs: number;
  readonly propagators: readonly PropagatorName[];
  readonly logLevel: DiagLevelName;
  readonly disabledInstrumentations: readonly string[];
  /** As given: it may be relative to the working folder. */
  readonly dir: string | undefined;
  readonly logsDir: string | undefined;
  readonly files: boolean;
  /** Per process; 0: runs always share files. */
  readonly runFilesPerHour: number | 'unlimited';
  readonly bridges: Readonly<Record<LogBridge, boolean>>;
  readonly namespace: string | undefined;
  readonly ignoreScopes: readonly string[];
  readonly quiet: boolean;
  /** The environment with what is decided here written into it, for `readDeliveryConfig`: it has nothing left to warn about these. */
  readonly otlpEnvironment: Environment;
  readonly warnings: readonly ConfigWarning[];
}

/** The part of `process.env` that is read. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** setTimeout takes no more than a signed 32-bit number. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Reads every setting of the table `CONFIG`.
 *
 * @param env usually `process.env`; an empty value counts as unset
 * @param options what the code says
 * @returns a frozen configuration; never throws
 */
export function readConfig(env: Environment, options: ConfigOptions = {}): Config {
  const source = new Source(env, options);
  const endpoint = source.url('endpoint');
  const endpoints = {
    traces: source.url('tracesEndpoint'),
    metrics: source.url('metricsEndpoint'),
    logs: source.url('logsEndpoint'),
  };
  const sent = (signal: keyof typeof endpoints): 'otlp' | undefined =>
    (endpoints[signal] ?? endpoint) === undefined ? undefined : 'otlp';
  const traces = source.exporters('tracesExporter', sent('traces') ?? 'none');
  const metrics = source.exporters('metricsExporter', sent('metrics') ?? 'prometheus');
  const logs = source.exporters('logsExporter', sent('logs') ?? 'none');
  const metricIntervalMs = source.number('metricIntervalMs', { fallback: 15_000, least: 1, most: LONGEST_TIMER_MS });
  const config = {
    disabled: source.flag('disabled', false),
    serviceName: source.text('serviceName'),
    resourceAttributes: source.attributes('resourceAttributes'),
    sampler: source.oneOf('sampler', SAMPLERS, 'parentbased_always_on'),
    samplerRatio: source.number('samplerRatio', { fallback: 1, least: 0, most: 1 }),
    sendTraces: traces.includes('otlp'),
    sendLogs: logs.includes('otlp'),
    metricReaders: (['prometheus', 'otlp'] as const).filter((name) => metrics.includes(name)),
    prometheusHost: source.text('prometheusHost') ?? '127.0.0.1',
    prometheusPort: source.number('prometheusPort', { fallback: 9464, least: 0, most: 65_535, whole: true }),
    metricIntervalMs,
    propagators: source.propagators(),
    logLevel: source.oneOf('logLevel', DIAG_LEVELS, 'none'),
    disabledInstrumentations: source.list('disabledInstrumentations') ?? [],
    dir: source.text('dir'),
    logsDir: source.text('logsDir'),
    files: source.flag('files', true),
    runFilesPerHour: source.runFilesPerHour(),
    bridges: source.bridges(),
    namespace: source.namespace(),
    ignoreScopes: source.list('ignoreScopes') ?? [],
    quiet: source.flag('quiet', false),
    otlpEnvironment: {
      ...env,
      OTEL_TRACES_EXPORTER: traces.join(),
      OTEL_METRICS_EXPORTER: metrics.join(),
      OTEL_LOGS_EXPORTER: logs.join(),
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoints.traces,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpoints.metrics,
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: endpoints.logs,
      OTEL_METRIC_EXPORT_INTERVAL: String(metricIntervalMs),
    },
    warnings: source.warnings,
  } satisfies Config;
  for (const value of Object.values(config)) Object.freeze(value);
  return Object.freeze(config);
}

/** A warning as a sentence. */
export function describeWarning(warning: ConfigWarning): string {
  return `${warning.key}: ${JSON.stringify(warning.value)} is not understood; using ${warning.fallback}`;
}

type Option = keyof ConfigOptions;

/** A value that was set, and under which name. */
interface Given {
  readonly key: string;
  readonly value: string;
}

interface NumberRange {
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
}

const ENTRIES: ReadonlyMap<Option, ConfigEntry> = new Map(
  CONFIG.flatMap((entry) => (entry.option === undefined ? [] : [[entry.option, entry] as const])),
);
const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ...['on', 'true', '1', 'yes'].map((word) => [word, true] as const),
  ...['off', 'false', '0', 'no'].map((word) => [word, false] as const),
]);

/** Reads single settings, and gathers what is wrong with them. */
class Source {
  readonly warnings: ConfigWarning[] = [];
  readonly #env: Environment;
  readonly #options: ConfigOptions;

  constructor(env: Environment, options: ConfigOptions) {
    this.#env = env;
    this.#options = options;
  }

  text(option: Option): string | undefined {
    return this.#given(option)?.value;
  }

  flag(option: Option, fallback: boolean): boolean {
    const given = this.#given(option);
    if (given === undefined) return fallback;
    return SWITCHES.get(given.value.toLowerCase()) ?? this.#warn(given, fallback, fallback ? 'on' : 'off');
  }

  number(option: Option, range: NumberRange): number {
    const given = this.#given(option);
    if (given === undefined) return range.fallback;
    const value = Number(given.value);
    if (value >= range.least && value <= range.most && !(range.whole && !Number.isInteger(value))) return value;
    return this.#warn(given, range.fallback);
  }

  runFilesPerHour(): number | 'unlimited' {
    if (this.text('runFilesPerHour')?.toLowerCase() === 'unlimited') return 'unlimited';
    return this.number('runFilesPerHour', { fallback: 10_000, least: 0, most: Number.MAX_SAFE_INTEGER, whole: true });
  }

  oneOf<T extends string>(option: Option, allowed: readonly T[], fallback: T): T {
    const given = this.#given(option);
    if (given === undefined) return fallback;
    return allowed.find((value) => value === given.value.toLowerCase()) ?? this.#warn(given, fallback);
  }

  list(option: Option): string[] | undefined {
    const items = this.text(option)
      ?.split(',')
      .map((item) => item.trim());
    return items?.filter((item) => item !== '');
  }

  /** A list of known names; unknown ones are left out, `none` stands alone. Undefined when nothing usable is left. */
  #names(option: Option): string[] | undefined {
    const known = ENTRIES.get(option)?.values ?? [];
    const given = this.#given(option);
    const names = this.list(option)?.map((name) => name.toLowerCase());
    if (given === undefined || names === undefined) return undefined;
    const understood = names.filter((name) => known.includes(name));
    for (const name of names.filter((other) => !known.includes(other))) {
      const rest = understood.length > 0 ? understood.join() : 'the default';
      this.#warn({ key: given.key, value: name }, undefined, rest);
    }
    if (understood.length === 0) return undefined;
    if (understood.length > 1 && understood.includes('none')) return this.#warn(given, ['none'], 'none');
    return [...new Set(understood)];
  }

  exporters(option: Option, fallback: string): readonly string[] {
    return this.#names(option) ?? [fallback];
  }

  propagators(): readonly PropagatorName[] {
    const names = this.#names('propagators') ?? ['tracecontext', 'baggage'];
    return PROPAGATORS.filter((name) => name !== 'none' && names.includes(name));
  }

  /** `+name`, `-name` or `name`, in order; the switch of the console goes before the list. */
  bridges(): Record<LogBridge, boolean> {
    const bridges: Record<LogBridge, boolean> = { winston: true, pino: true, console: this.flag('console', false) };
    for (const item of this.list('instrumentations') ?? []) {
      const name = item.replace(/^[+-]/, '').toLowerCase();
      const bridge = LOG_BRIDGES.find((known) => known === name);
      if (bridge !== undefined) bridges[bridge] = !item.startsWith('-');
      else this.#warn({ key: this.#given('instrumentations')?.key ?? '', value: item }, undefined, 'the other names');
    }
    return bridges;
  }

  namespace(): string | undefined {
    const given = this.#given('namespace');
    if (given === undefined || /^[A-Za-z][A-Za-z0-9_]*$/.test(given.value)) return given?.value.replace(/_+$/, '');
    return this.#warn(given, undefined, 'no prefix');
  }

  url(option: Option): string | undefined {
    const given = this.#given(option);
    if (given === undefined) return undefined;
    if (URL.canParse(given.value) && /^https?:$/.test(new URL(given.value).protocol)) return given.value;
    const value = given.value.replace(/\/\/[^/@]*@/, '//***@');
    return this.#warn({ key: given.key, value }, undefined, ENTRIES.get(option)?.default);
  }

  /** W3C Baggage form. One bad pair makes all of them void, as the specification of OpenTelemetry says. */
  attributes(option: 'resourceAttributes'): Readonly<Record<string, string | number>> {
    const inCode = this.#options[option];
    const fromCode = typeof inCode === 'object' && inCode !== null ? inCode : {};
    const given = this.#fromEnvironment(option);
    if (given === undefined) return { ...fromCode };
    const attributes: Record<string, string> = {};
    for (const pair of given.value.split(',').filter((text) => text.trim() !== '')) {
      const parsed = parsePair(pair);
      if (parsed === undefined) return this.#warn({ key: given.key, value: pair }, { ...fromCode }, 'none of the list');
      attributes[parsed.name] = parsed.value;
    }
    return { ...attributes, ...fromCode };
  }

  /** Code before environment. Numbers, booleans and lists in code are read like their text. */
  #given(option: Option): Given | undefined {
    const inCode: unknown = this.#options[option];
    if (inCode === undefined || inCode === null) return this.#fromEnvironment(option);
    if (Array.isArray(inCode)) return { key: option, value: inCode.map(String).join() };
    if (['string', 'number', 'boolean'].includes(typeof inCode)) {
      const value = String(inCode).trim();
      return value === '' ? undefined : { key: option, value };
    }
    this.#warn({ key: option, value: typeof inCode }, undefined, 'the environment');
    return this.#fromEnvironment(option);
  }

  #fromEnvironment(option: Option): Given | undefined {
    const entry = ENTRIES.get(option);
    if (entry === undefined) return undefined;
    for (const key of [entry.key, ...(entry.aliases ?? [])]) {
      const value = this.#env[key]?.trim();
      if (value !== undefined && value !== '') return { key, value };
    }
    return undefined;
  }

  /** Notes the warning once, and returns the fallback. */
  #warn<T>(given: Given, fallback: T, described = String(fallback)): T {
    const value = given.value.length > 80 ? `${given.value.slice(0, 80)}…` : given.value;
    const known = this.warnings.some((warning) => warning.key === given.key && warning.value === value);
    if (!known) this.warnings.push(Object.freeze({ key: given.key, value, fallback: described }));
    return fallback;
  }
}

function parsePair(pair: string): { name: string; value: string } | undefined {
  const split = pair.indexOf('=');
  if (split < 1) return undefined;
  try {
    const name = decodeURIComponent(pair.slice(0, split).trim());
    const value = decodeURIComponent(
      pair
        .slice(split + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
    return name === '' ? undefined : { name, value };
  } catch {
    // A % that begins no valid escape: the pair cannot be read.
    return undefined;
  }
}
