/**
 * Bodies of OTLP/HTTP requests in JSON, made by the formatter that writes the files of runs: a record says the same, byte
 * for byte, wherever it goes. Metrics are in `otlp-json-metrics.ts`.
 */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import {
  type DropSignal,
  Frames,
  forgetRun,
  formatApart,
  formatted,
  logRecordJson,
  OtlpBatch,
  runRecordJson,
  spanJson,
} from '@taskspan/core/hub';
import { refuse } from './refused-item.ts';
import type { LogBatch, WaitingLog } from './waiting-log.ts';

const frames = new Frames();

/** Bytes of an `ExportTraceServiceRequest`; undefined when not one of the spans can be formatted. */
export function encodeSpans(spans: readonly ReadableSpan[]): Uint8Array | undefined {
  return encodeText(() => {
    const batch = new OtlpBatch('spans');
    for (const span of spans) {
      const json = itemJson('spans', span, () => spanJson(span));
      if (json !== undefined) batch.add(frames.of(span.resource, span.instrumentationScope), json);
    }
    return batch.take();
  });
}

/** Bytes of an `ExportLogsServiceRequest`; undefined when not one of the records can be formatted. */
export function encodeLogs({ items, resource, scope }: LogBatch): Uint8Array | undefined {
  return encodeText(() => {
    const batch = new OtlpBatch('logs');
    for (const item of items) {
      const json = itemJson('logs', item, () => logJson(item));
      if (json === undefined) continue;
      const frame =
        'log' in item ? frames.of(item.log.resource, item.log.instrumentationScope) : frames.of(resource, scope);
      batch.add(frame, json);
    }
    forgetRun();
    return batch.take();
  });
}

function logJson(item: WaitingLog): string {
  if (!('log' in item)) return runRecordJson(item.record);
  if (item.text === undefined) return logRecordJson(item.log);
  if (!item.text.isAscii) formatted.isAscii = false;
  return item.text.json;
}

/** UTF-8 bytes of what is formatted; undefined for the empty text. */
export function encodeText(format: () => string): Uint8Array | undefined {
  const { value: text, isAscii } = formatApart(format);
  return text === '' ? undefined : Buffer.from(text, isAscii ? 'latin1' : 'utf8');
}

/** Items that were counted as lost: a batch is formatted anew for each attempt to deliver it. */
const counted = new WeakSet<object>();

/** A getter of the application may throw: that item is lost, and counted, and no other. */
function itemJson(signal: DropSignal, item: object, format: () => string): string | undefined {
  try {
    return format();
  } catch (error) {
    if (!counted.has(item)) {
      counted.add(item);
      refuse(signal, error);
    }
    return undefined;
  }
}
