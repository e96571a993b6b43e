import { createRequire } from 'node:module';
import type { Resource } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { type OtlpSignal, type OtlpTarget, receiverOf, withoutPassword } from '../otlp-config.ts';
import type { RequestBody, SendResult } from '../send-result.ts';
import type { HttpTransport } from './http-transport.ts';
import type { LogBatch } from './waiting-log.ts';

/** Bytes of one request; undefined when there is nothing to say. */
type Encode<T> = (data: T) => Uint8Array | undefined;

/** What each signal hands over for one request. */
interface SignalData {
  readonly traces: readonly ReadableSpan[];
  readonly logs: LogBatch;
  readonly metrics: ResourceMetrics;
}

const load = createRequire(import.meta.url);
/** Longest wait for the attributes that resource detectors are still looking up, in milliseconds. */
const RESOURCE_WAIT_MS = 2000;

/**
 * Encodes and posts one signal. All that it needs (HTTP, gzip, the serializer) is loaded at the first request, so that
 * an app's start does not pay for it.
 */
export class OtlpSender<S extends OtlpSignal> {
  readonly target: OtlpTarget;
  readonly #signal: S;
  #encode: Encode<SignalData[S]> | undefined;
  #transport: Promise<HttpTransport> | undefined;
  #loaded: HttpTransport | undefined;

  constructor(signal: S, target: OtlpTarget) {
    this.#signal = signal;
    this.target = target;
  }

  /** Who is at the other end: the address without the path of the signal. */
  get receiver(): string {
    return receiverOf(this.target);
  }

  /** Waits a short time for the attributes of `resource` that are still being looked up; undefined when none are. */
  ready(resource: Resource | undefined): Promise<void> | undefined {
    return resource?.asyncAttributesPending === true ? detected(resource) : undefined;
  }

  /**
   * Makes a request of spans, log records or metrics. Synchronous, so that an exit handler can do it too.
   *
   * @param items how many they are
   * @returns undefined when there is nothing to say; throws when the data cannot be serialised
   */
  encode(data: SignalData[S], items: number): RequestBody | undefined {
    const isJson = this.target.protocol === 'http/json';
    this.#encode ??= (isJson ? JSON_ENCODERS : PROTOBUF_ENCODERS)[this.#signal]();
    const bytes = this.#encode(data);
    return bytes === undefined ? undefined : { bytes, format: isJson ? 'json' : 'pb', gzip: false, items };
  }

  /** Posts a request, also one that another process made. Never rejects. */
  async post(body: RequestBody, onAccepted: () => void): Promise<SendResult> {
    let transport: HttpTransport;
    try {
      this.#transport ??= this.#load();
      transport = await this.#transport;
      this.#loaded = transport;
    } catch (error) {
      this.#transport = undefined;
      const reason = `${withoutPassword(this.target.url)}: ${String(error)} (look at OTEL_EXPORTER_OTLP_CERTIFICATE)`;
      return { kind: 'retryable', reason, misconfigured: true };
    }
    return await transport.post(body, onAccepted);
  }

  /**
   * For exit handlers: waits for the answers to what is on its way, as `HttpTransport.settleSync`.
   *
   * @returns false when something stays unanswered
   */
  settleSync(deadlineMs: number): boolean {
    return this.#loaded?.settleSync(deadlineMs) ?? true;
  }

  /** Closes idle connections; a later `post` opens new ones. */
  async close(): Promise<void> {
    const loaded = this.#transport;
    this.#transport = undefined;
    this.#loaded = undefined;
    await loaded?.then(
      (transport) => transport.close(),
      () => undefined, // What failed to load was said by `post`, and has nothing to close.
    );
  }

  async #load(): Promise<HttpTransport> {
    const { HttpTransport } = await import('./http-transport.ts');
    return new HttpTransport(this.target);
  }
}

type EncoderTable = { readonly [S in OtlpSignal]: () => Encode<SignalData[S]> };

// Not import(): an exit handler cannot wait.
const JSON_ENCODERS: EncoderTable = {
  traces: () => (load('./otlp-json.js') as typeof import('./otlp-json.ts')).encodeSpans,
  logs: () => (load('./otlp-json.js') as typeof import('./otlp-json.ts')).encodeLogs,
  metrics: () => (load('./otlp-json-metrics.js') as typeof import('./otlp-json-metrics.ts')).encodeMetrics,
};

const PROTOBUF_ENCODERS: EncoderTable = {
  traces: () => inProtobuf(JSON_ENCODERS.traces()),
  logs: () => inProtobuf(JSON_ENCODERS.logs()),
  metrics: () => {
    const { ProtobufMetricsSerializer } = load('@opentelemetry/otlp-transformer') as OtlpTransformer;
    return (metrics) => ProtobufMetricsSerializer.serializeRequest(metrics);
  },
};

type OtlpTransformer = typeof import('@opentelemetry/otlp-transformer');

/** By way of JSON: records say the same in both, and as in the files. */
function inProtobuf<T>(encode: Encode<T>): Encode<T> {
  const { protobufOf } = load('./otlp-protobuf.js') as typeof import('./otlp-protobuf.ts');
  return (data) => {
    const json = encode(data);
    return json === undefined ? undefined : protobufOf(json);
  };
}

/** Waits for the detectors; a resource that stays incomplete is still better than none. */
async function detected(resource: Resource): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, RESOURCE_WAIT_MS);
    timer.unref();
  });
  await Promise.race([resource.waitForAsyncAttributes?.(), enough]);
  clearTimeout(timer);
}
