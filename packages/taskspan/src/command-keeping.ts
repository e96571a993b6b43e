import { createRequire } from 'node:module';
import type { TracerProvider } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { type RecordSink, reportOnce, state } from '@taskspan/core/hub';
import { type DeliveryConfig, readDeliveryConfig } from '@taskspan/delivery/config';
import { JobLogWriter } from '@taskspan/joblog/run';
import { CommandTracerProvider } from './command-span.ts';
import type { Config } from './config.ts';
import type { OtlpExport } from './otlp-export.ts';
import { findProcessPlace, type ProcessPlace } from './process-place.ts';

/** What keeps the run of a command in this process. */
export interface CommandKeeping {
  /** Puts what came so far into the file, before it returns. */
  written(): void;
  /** Sends what is left, for a second at most; what cannot be sent waits on disk. Never rejects. */
  close(): Promise<void>;
}

/** Longest time by which the end of a command may be delayed to send what it told. */
const SEND_MS = 1000;
/** Samplers under which the one span of this process is sampled whatever is asked. */
const SAMPLES_ALL: readonly string[] = ['always_on', 'parentbased_always_on'];

const require = createRequire(import.meta.url);

/** Sets this process up to keep the run of one command: in its file, and at a Collector if there is one. */
export async function keepCommand(config: Config): Promise<CommandKeeping> {
  const place = findProcessPlace(config);
  const { attributes, instanceId, logsFolder } = place;
  const delivery = withoutMetrics(readDeliveryConfig(config.otlpEnvironment));
  const isSent = delivery.traces !== undefined || delivery.logs !== undefined;
  const writer =
    logsFolder === undefined
      ? undefined
      : new JobLogWriter({
          directory: logsFolder,
          resource: { attributes },
          instanceId,
          runFilesPerHour: config.runFilesPerHour,
          thread: false,
        });
  const otlp = isSent ? await loadExport(config, delivery, place) : undefined;
  const sinks: RecordSink[] = [];
  if (writer !== undefined) sinks.push(writer.recordSink);
  if (otlp?.logs !== undefined) sinks.push(otlp.logs.sink);
  const onEnd = (span: ReadableSpan): void => {
    writer?.onSpanEnd(span);
    otlp?.spans?.onEnd(span);
  };
  state.sinks.push(...sinks);
  state.fileNamer = writer === undefined ? undefined : (id, startMs) => writer.fileNamer(id, startMs);
  state.tracerProvider =
    otlp === undefined && SAMPLES_ALL.includes(config.sampler)
      ? new CommandTracerProvider({ attributes }, onEnd)
      : await loadTracerProvider(config, attributes, onEnd);
  return {
    written: () => writer?.writeNow(),
    close: async () => {
      writer?.writeNow();
      if (otlp !== undefined) await close(otlp);
    },
  };
}

/** A process as short as this one pushes no series of its own: `serve` counts its run from the file. */
function withoutMetrics(delivery: DeliveryConfig): DeliveryConfig {
  for (const warning of delivery.warnings) reportOnce(`delivery.${warning}`, warning);
  return { ...delivery, metrics: undefined, prometheus: false };
}

async function loadExport(config: Config, delivery: DeliveryConfig, place: ProcessPlace): Promise<OtlpExport> {
  const [{ OtlpExport }, { resourceFromAttributes }] = await Promise.all([
    import('./otlp-export.ts'),
    import('@opentelemetry/resources'),
  ]);
  const { directory, service } = place;
  const maxBytes = config.spoolMaxBytes;
  const spool = directory === undefined || maxBytes === 0 ? undefined : { directory, maxBytes, service };
  const resource = resourceFromAttributes({ ...place.attributes });
  return new OtlpExport({ delivery, spool }, { resource: () => resource, totals: () => undefined });
}

async function loadTracerProvider(
  config: Config,
  attributes: ProcessPlace['attributes'],
  onEnd: (span: ReadableSpan) => void,
): Promise<TracerProvider> {
  const sdk = require('@opentelemetry/sdk-trace-node') as typeof import('@opentelemetry/sdk-trace-node');
  const [{ samplerFromEnvironment, taskSampler }, { resourceFromAttributes }] = await Promise.all([
    import('@taskspan/metrics'),
    import('@opentelemetry/resources'),
  ]);
  const asked = { OTEL_TRACES_SAMPLER: config.sampler, OTEL_TRACES_SAMPLER_ARG: String(config.samplerRatio) };
  const done = (): Promise<void> => Promise.resolve();
  const ended: SpanProcessor = { onStart: () => {}, onEnd, forceFlush: done, shutdown: done };
  return new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ ...attributes }),
    sampler: taskSampler(samplerFromEnvironment(asked), { runsAreObserved: true }),
    spanProcessors: [ended],
  });
}

async function close(otlp: OtlpExport): Promise<void> {
  const limit = { timeoutMillis: SEND_MS };
  try {
    await Promise.all([otlp.spans?.forceFlush(limit), otlp.logs?.forceFlush(limit)]);
  } catch (error) {
    reportOnce('run.send', `sending failed: ${String(error)}`);
  }
  // What is still there goes to the spool, or out, by a last attempt.
  otlp.flushSync();
}
