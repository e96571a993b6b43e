import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type { MeterProvider } from '@opentelemetry/api';
import type { LoggerProvider } from '@opentelemetry/api-logs';
import type { Resource } from '@opentelemetry/resources';
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type {
  IMetricReader,
  ScopeMetrics,
  MeterProvider as SdkMeterProvider,
  ViewOptions,
} from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, Sampler, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  type RecordSink,
  type RunLines,
  type RunRecord,
  RunStampLogProcessor,
  RunStampSpanProcessor,
  reportOnce,
  safely,
  tellLines,
} from '@taskspan/core/hub';
import type { DeliveryConfig } from '@taskspan/delivery/config';
import { JobLogWriter, RunFiles } from '@taskspan/joblog/writer';
import { loadPrometheusReader, type ScrapeSource, TaskMetrics, taskSampler, taskViews } from '@taskspan/metrics';
import { LazyLoggerProvider, LazyMeterProvider } from './lazy-providers.ts';
import { LazyTracerProvider, type SdkTracerProvider } from './lazy-tracer-provider.ts';
import { once } from './once.ts';
import { exportsAny, OtlpExport, type SpoolPlace } from './otlp-export.ts';
import { type Redact, redactLogRecord, redactRunRecord, redactSpan } from './redaction.ts';
import { SpanIds } from './span-ids.ts';

/** What the pipeline is made of. */
export interface PipelineOptions {
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly instanceId: string;
  /** Absolute logs folder; undefined writes no files. */
  readonly logsFolder: string | undefined;
  readonly runFilesPerHour: number | 'unlimited';
  readonly namespace: string | undefined;
  readonly ignoreScopes: readonly string[];
  readonly delivery: DeliveryConfig;
  /** Where requests wait that cannot be delivered; undefined: in memory. */
  readonly spool: SpoolPlace | undefined;
  readonly redact: Redact | undefined;
  /** Called with the first span: making a sampler loads the trace SDK. */
  readonly sampler: () => Sampler;
  readonly views: readonly ViewOptions[];
  readonly spanProcessors: readonly SpanProcessor[];
  readonly metricReaders: readonly IMetricReader[];
}

const require = createRequire(import.meta.url);

/**
 * The way of the data through one process: task spans and records come in, metrics, files and OTLP go out. What an
 * application may never need (the SDKs of the three signals) is loaded when it is first needed.
 */
export class Pipeline {
  readonly taskMetrics: TaskMetrics;
  readonly tracerProvider: LazyTracerProvider;
  readonly meterProvider: LazyMeterProvider;
  readonly loggerProvider: LazyLoggerProvider;
  /** For `state.sinks`; undefined where nothing takes records. */
  readonly sink: RecordSink | undefined;
  /** For `state.logRoom`. */
  readonly logRoom: (() => Promise<void> | undefined) | undefined;
  /** For `state.fileNamer`. */
  readonly fileNamer: ((id: string, startTimeMs: number) => string) | undefined;
  readonly #options: PipelineOptions;
  readonly #resource: () => Resource;
  readonly #writer: JobLogWriter | undefined;
  /** Undefined when nothing is sent through OTLP. */
  readonly #otlp: OtlpExport | undefined;
  #preload: NodeJS.Timeout | undefined;
  #scrapeSource: ScrapeSource | undefined;
  #sdkMeterProvider: SdkMeterProvider | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { delivery } = options;
    this.#resource = once(() => loadResource(options.attributes));
    this.#writer =
      options.logsFolder === undefined
        ? undefined
        : new JobLogWriter({
            directory: options.logsFolder,
            resource: { attributes: options.attributes },
            instanceId: options.instanceId,
            runFilesPerHour: options.runFilesPerHour,
          });
    const writer = this.#writer;
    this.logRoom = writer === undefined ? undefined : () => writer.room();
    this.fileNamer = runFileNamer(options, writer);
    this.taskMetrics = new TaskMetrics({
      namespace: options.namespace,
      ignoreScopes: options.ignoreScopes,
    });
    const totals = (): ScopeMetrics | undefined =>
      this.taskMetrics.hasRuns ? this.taskMetrics.totals(options.views) : undefined;
    this.#otlp = exportsAny(delivery) ? new OtlpExport(options, { resource: this.#resource, totals }) : undefined;
    this.sink = this.#createSink();
    this.tracerProvider = new LazyTracerProvider(() => this.#loadTracerProvider());
    this.meterProvider = new LazyMeterProvider(() => this.#loadMeterProvider());
    this.loggerProvider = new LazyLoggerProvider(() => this.#loadLoggerProvider());
  }

  /** Text of the metrics, for `/metrics`; loads the metrics SDK at the first call. */
  async scrapeSource(): Promise<ScrapeSource> {
    this.meterProvider.load();
    if (this.#scrapeSource === undefined) throw new Error('metrics are not served by this process');
    return this.#scrapeSource;
  }

  get #pushesMetrics(): boolean {
    const { delivery, metricReaders } = this.#options;
    return isMainThread && (delivery.metrics !== undefined || metricReaders.length > 0);
  }

  /**
   * Gets ready for what most applications do: after `delayMs`, so that it is not in the way of their start. The trace
   * SDK is loaded, unless a span was faster, and metrics begin to be pushed, when they are to be pushed.
   */
  warmUp(delayMs: number): void {
    this.#preload = setTimeout(() => {
      this.tracerProvider.load();
      this.#otlp?.watchSpool();
      if (this.#pushesMetrics) safely('loading the metrics SDK', () => this.meterProvider.load());
    }, delayMs).unref();
  }

  /**
   * Writes and sends what waits. Never rejects.
   *
   * @param timeoutMs after which sending is given up for now, so that its timers keep no ending process alive; that of
   * each exporter by default
   */
  async forceFlush(timeoutMs?: number): Promise<void> {
    const limit = timeoutMs === undefined ? undefined : { timeoutMillis: timeoutMs };
    // A process may end before its first push.
    if (this.#pushesMetrics && this.taskMetrics.hasRuns) this.meterProvider.load();
    await Promise.all([
      attempt('flushing files', this.#writer?.forceFlush()),
      attempt('flushing spans', this.#otlp?.spans?.forceFlush(limit)),
      attempt('flushing log records', this.#otlp?.logs?.forceFlush(limit)),
      attempt('flushing metrics', this.#sdkMeterProvider?.forceFlush(limit)),
      ...this.#options.spanProcessors.map((processor) => attempt('flushing a span processor', processor.forceFlush())),
    ]);
  }

  /** Writes what waits, in an exit handler; what waits to be sent is sent within a second, or put on disk. */
  flushSync(): void {
    safely('flushing files at exit', () => this.#writer?.flushSync());
    safely('sending at exit', () => this.#otlp?.flushSync());
  }

  /** Ends everything. Never rejects. */
  async shutdown(): Promise<void> {
    clearTimeout(this.#preload);
    if (this.#pushesMetrics && this.taskMetrics.hasRuns) this.meterProvider.load();
    await attempt('stopping metrics', this.#sdkMeterProvider?.shutdown());
    await attempt('stopping spans', this.tracerProvider.shutdown());
    await Promise.all([
      attempt('stopping delivery', this.#otlp?.shutdown()),
      attempt('stopping files', this.#writer?.shutdown()),
    ]);
  }

  #createSink(): RecordSink | undefined {
    const writer = this.#writer;
    const logExport = this.#otlp?.logs;
    const { redact } = this.#options;
    const sinks: RecordSink[] = [];
    if (writer !== undefined) sinks.push(writer.recordSink);
    if (logExport !== undefined) sinks.push(logExport.sink);
    const [only] = sinks;
    if (only === undefined) return undefined;
    const fanOut = sinks.length === 1 ? only : sinkOf(sinks);
    return redact === undefined ? fanOut : (record): void => fanOut(redactRunRecord(redact, record));
  }

  #endSpan(span: ReadableSpan): void {
    const { redact } = this.#options;
    const seen = redact === undefined ? span : redactSpan(redact, span);
    this.#writer?.onSpanEnd(seen);
    this.#otlp?.spans?.onEnd(seen);
  }

  #emitLog(record: ReadableLogRecord): void {
    const { redact } = this.#options;
    const seen = redact === undefined ? record : redactLogRecord(redact, record);
    this.#writer?.onLog(seen);
    this.#otlp?.logs?.onEmit(seen);
  }

  #loadTracerProvider(): SdkTracerProvider {
    const sdk = require('@opentelemetry/sdk-trace-node') as typeof import('@opentelemetry/sdk-trace-node');
    return new sdk.NodeTracerProvider({
      resource: this.#resource(),
      // Our own processors do nothing with a span that is not sampled: such a run is counted by its observer.
      sampler: taskSampler(this.#options.sampler(), { runsAreObserved: this.#options.spanProcessors.length === 0 }),
      idGenerator: new SpanIds(),
      spanProcessors: [
        this.taskMetrics,
        new RunStampSpanProcessor(),
        new EndedSpans((span) => this.#endSpan(span)),
        ...this.#options.spanProcessors,
      ],
    });
  }

  #loadMeterProvider(): MeterProvider {
    const sdk = require('@opentelemetry/sdk-metrics') as typeof import('@opentelemetry/sdk-metrics');
    const { delivery, metricReaders, namespace, views } = this.#options;
    const readers: IMetricReader[] = [...metricReaders];
    if (delivery.prometheus) {
      const prometheus = loadPrometheusReader();
      this.#scrapeSource = prometheus;
      readers.push(prometheus.reader);
    }
    const push = this.#otlp?.createMetricPush();
    if (push !== undefined) readers.push(push);
    const provider = new sdk.MeterProvider({
      resource: this.#resource(),
      readers,
      views: [...views, ...taskViews({ namespace, userViews: views })],
    });
    this.#sdkMeterProvider = provider;
    this.taskMetrics.bind(provider);
    return provider;
  }

  #loadLoggerProvider(): LoggerProvider {
    const sdk = require('@opentelemetry/sdk-logs') as typeof import('@opentelemetry/sdk-logs');
    return new sdk.LoggerProvider({
      resource: this.#resource(),
      processors: [new RunStampLogProcessor(), new EmittedLogs((record) => this.#emitLog(record))],
    });
  }
}

/** A Collector writes the files that the process names: one for each run there too, within the budget of the hour. */
function runFileNamer(options: PipelineOptions, writer: JobLogWriter | undefined): Pipeline['fileNamer'] {
  if (writer !== undefined) return (id, startTimeMs) => writer.fileNamer(id, startTimeMs);
  if (options.delivery.logs === undefined && options.delivery.traces === undefined) return undefined;
  const files = new RunFiles(options.instanceId, options.runFilesPerHour);
  return (id, startTimeMs) => files.nameFor(id, startTimeMs);
}

function loadResource(attributes: PipelineOptions['attributes']): Resource {
  const sdk = require('@opentelemetry/resources') as typeof import('@opentelemetry/resources');
  return sdk.resourceFromAttributes({ ...attributes });
}

async function attempt(what: string, work: Promise<unknown> | undefined): Promise<void> {
  try {
    await work;
  } catch (error) {
    reportOnce(what, `${what} failed: ${String(error)}`);
  }
}

/** One sink for several. */
function sinkOf(sinks: readonly RecordSink[]): RecordSink {
  const each = (record: RunRecord): void => {
    for (const sink of sinks) sink(record);
  };
  const takeLines = (lines: RunLines): void => {
    for (const sink of sinks) tellLines(sink, lines);
  };
  return Object.assign(each, { takeLines });
}

/** A span processor that hands on what ends. */
class EndedSpans implements SpanProcessor {
  readonly #take: (span: ReadableSpan) => void;

  constructor(take: (span: ReadableSpan) => void) {
    this.#take = take;
  }

  onStart(): void {
    // Only ended spans go on.
  }

  onEnd(span: ReadableSpan): void {
    this.#take(span);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** A log record processor that hands on what is emitted. */
class EmittedLogs implements LogRecordProcessor {
  readonly #take: (record: ReadableLogRecord) => void;

  constructor(take: (record: ReadableLogRecord) => void) {
    this.#take = take;
  }

  onEmit(record: ReadableLogRecord): void {
    this.#take(record);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
