import type { Resource } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SendResult } from './export-queue.ts';
import type { HttpTransport } from './http-transport.ts';
import type { OtlpSignal, OtlpTarget } from './otlp-config.ts';
import type { LogBatch } from './waiting-log.ts';

/** Bytes of one request; undefined when there is nothing to say. */
type Encode<T> = (data: T) => Uint8Array | undefined;

/** What each signal hands over for one request. */
interface SignalData {
  readonly traces: readonly ReadableSpan[];
  readonly logs: LogBatch;
  readonly metrics: ResourceMetrics;
}

/** Longest wait for the attributes that resource detectors are still looking up, in milliseconds. */
const RESOURCE_WAIT_MS = 2000;

/**
 * Serialises and posts one signal. All that it needs (HTTP, gzip, the serializer) is loaded at the first request, so
 * that an app's start does not pay for it.
 */
export class OtlpSender<S extends OtlpSignal> {
  readonly #signal: S;
  readonly #target: OtlpTarget;
  #loaded: Promise<{ readonly encode: Encode<SignalData[S]>; readonly transport: HttpTransport }> | undefined;

  constructor(signal: S, target: OtlpTarget) {
    this.#signal = signal;
    this.#target = target;
  }

  /**
   * Sends one request.
   *
   * @param data spans, log records or metrics
   * @param resource whose pending attributes are waited for, for a short time
   * @returns what the receiver said; rejects only when the data cannot be serialised or a certificate cannot be read
   */
  async send(data: SignalData[S], resource: Resource | undefined): Promise<SendResult> {
    if (resource?.asyncAttributesPending === true) await detected(resource);
    this.#loaded ??= this.#load();
    const { encode, transport } = await this.#loaded;
    const body = encode(data);
    return body === undefined ? { kind: 'delivered' } : await transport.post(body);
  }

  /** Closes idle connections; a later `send` opens new ones. */
  async close(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await loaded?.then(
      ({ transport }) => transport.close(),
      () => undefined, // What failed to load was said by `send`, and has nothing to close.
    );
  }

  async #load(): Promise<{ readonly encode: Encode<SignalData[S]>; readonly transport: HttpTransport }> {
    const load = this.#target.protocol === 'http/json' ? JSON_ENCODERS : PROTOBUF_ENCODERS;
    const [encode, { HttpTransport }] = await Promise.all([load[this.#signal](), import('./http-transport.ts')]);
    return { encode, transport: new HttpTransport(this.#target) };
  }
}

type EncoderTable = { readonly [S in OtlpSignal]: () => Promise<Encode<SignalData[S]>> };

const JSON_ENCODERS: EncoderTable = {
  traces: async () => (await import('./otlp-json.ts')).encodeSpans,
  logs: async () => (await import('./otlp-json.ts')).encodeLogs,
  metrics: async () => (await import('./otlp-json-metrics.ts')).encodeMetrics,
};

const PROTOBUF_ENCODERS: EncoderTable = {
  traces: async () => {
    const { ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
    return (spans) => ProtobufTraceSerializer.serializeRequest([...spans]);
  },
  logs: async () => {
    const [{ ProtobufLogsSerializer }, { runLogRecord }] = await Promise.all([
      import('@opentelemetry/otlp-transformer'),
      import('./run-log-record.ts'),
    ]);
    return ({ items, resource, scope }) =>
      ProtobufLogsSerializer.serializeRequest(
        items.map((item) => ('log' in item ? item.log : runLogRecord(item.record, resource, scope))),
      );
  },
  metrics: async () => {
    const { ProtobufMetricsSerializer } = await import('@opentelemetry/otlp-transformer');
    return (metrics) => ProtobufMetricsSerializer.serializeRequest(metrics);
  },
};

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
