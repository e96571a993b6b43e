/**
 * OTLP-JSON as the Collector writes it: 64-bit integers and non-finite doubles as strings (a NaN that becomes `null`
 * makes the Collector refuse the whole request), lone surrogates replaced. Metrics are in `otlp-json-metrics.ts`.
 * Source: opentelemetry-proto, "JSON Protobuf Encoding".
 */
import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api';
import type { LogAttributes } from '@opentelemetry/api-logs';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { SCOPE } from '@taskspan/core';
import { DOUBLE_ATTRIBUTES, FORMAT, FORMAT_KEY } from '@taskspan/core/hub';

/** A value as it stands in OTLP-JSON. */
export type Json = string | number | boolean | undefined | readonly Json[] | { readonly [key: string]: Json };

/** Values nested deeper are left out: nobody reads them, and a cycle must end somewhere. */
const DEEPEST = 32;

/** Bytes of an `ExportTraceServiceRequest`. */
export function encodeSpans(spans: readonly ReadableSpan[]): Uint8Array {
  const resourceSpans = byResourceAndScope(spans).map(({ resource, scopes }) => ({
    ...resourceJson(resource),
    scopeSpans: scopes.map(({ scope, items }) => ({ ...scopeJson(scope), spans: items.map(spanJson) })),
  }));
  return encodeJson({ resourceSpans });
}

/** Bytes of an `ExportLogsServiceRequest`. */
export function encodeLogs(records: readonly ReadableLogRecord[]): Uint8Array {
  const resourceLogs = byResourceAndScope(records).map(({ resource, scopes }) => ({
    ...resourceJson(resource),
    scopeLogs: scopes.map(({ scope, items }) => ({ ...scopeJson(scope), logRecords: items.map(logJson) })),
  }));
  return encodeJson({ resourceLogs });
}

/** UTF-8 bytes of a request; absent fields are those that are undefined. */
export function encodeJson(request: Json): Uint8Array {
  return Buffer.from(JSON.stringify(request));
}

interface Grouped<T> {
  readonly resource: Resource;
  readonly scopes: readonly { readonly scope: InstrumentationScope; readonly items: readonly T[] }[];
}

/** Groups by identity of resource and scope object, which the SDK keeps stable; in order of appearance. */
function byResourceAndScope<T extends { resource: Resource; instrumentationScope: InstrumentationScope }>(
  items: readonly T[],
): readonly Grouped<T>[] {
  const resources = new Map<Resource, Map<InstrumentationScope, T[]>>();
  for (const item of items) {
    let scopes = resources.get(item.resource);
    if (scopes === undefined) {
      scopes = new Map();
      resources.set(item.resource, scopes);
    }
    const group = scopes.get(item.instrumentationScope);
    if (group === undefined) scopes.set(item.instrumentationScope, [item]);
    else group.push(item);
  }
  return Array.from(resources, ([resource, scopes]) => ({
    resource,
    scopes: Array.from(scopes, ([scope, group]) => ({ scope, items: group })),
  }));
}

export function resourceJson(resource: Resource): { readonly resource: Json; readonly schemaUrl: Json } {
  return { resource: { attributes: attributesJson(resource.attributes) }, schemaUrl: resource.schemaUrl };
}

export function scopeJson(scope: InstrumentationScope & { readonly attributes?: LogAttributes }): {
  readonly scope: Json;
  readonly schemaUrl: Json;
} {
  const marked = scope.name === SCOPE.name ? { ...scope.attributes, [FORMAT_KEY]: FORMAT } : scope.attributes;
  const attributes = marked === undefined ? undefined : attributesJson(marked);
  return { scope: { name: textJson(scope.name), version: scope.version, attributes }, schemaUrl: scope.schemaUrl };
}

function spanJson(span: ReadableSpan): Json {
  const own = span.spanContext();
  return {
    traceId: own.traceId,
    spanId: own.spanId,
    traceState: own.traceState?.serialize(),
    parentSpanId: span.parentSpanContext?.spanId,
    flags: flagsJson(own, span.parentSpanContext),
    name: textJson(span.name),
    // OTLP has "unspecified" before the kinds of the API.
    kind: span.kind + 1,
    startTimeUnixNano: timeJson(span.startTime),
    endTimeUnixNano: timeJson(span.endTime),
    attributes: attributesJson(span.attributes),
    droppedAttributesCount: countJson(span.droppedAttributesCount),
    events: span.events.map((event) => ({
      timeUnixNano: timeJson(event.time),
      name: textJson(event.name),
      attributes: attributesJson(event.attributes ?? {}),
      droppedAttributesCount: countJson(event.droppedAttributesCount),
    })),
    droppedEventsCount: countJson(span.droppedEventsCount),
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      traceState: link.context.traceState?.serialize(),
      attributes: attributesJson(link.attributes ?? {}),
      droppedAttributesCount: countJson(link.droppedAttributesCount),
      flags: flagsJson(link.context, link.context),
    })),
    droppedLinksCount: countJson(span.droppedLinksCount),
    status: {
      code: countJson(span.status.code),
      message: span.status.message === undefined ? undefined : textJson(span.status.message),
    },
  };
}

function logJson(record: ReadableLogRecord): Json {
  return {
    timeUnixNano: timeJson(record.hrTime),
    observedTimeUnixNano: timeJson(record.hrTimeObserved),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    body: record.body === undefined || record.body === null ? undefined : valueJson(record.body),
    eventName: record.eventName,
    attributes: attributesJson(record.attributes),
    droppedAttributesCount: countJson(record.droppedAttributesCount),
    flags: countJson(record.spanContext?.traceFlags),
    traceId: record.spanContext?.traceId,
    spanId: record.spanContext?.spanId,
  };
}

/** The W3C flags, bit 8 "it is known whether remote", bit 9 "remote". */
function flagsJson(own: SpanContext, other: SpanContext | undefined): number {
  return (own.traceFlags & 0xff) | 0x100 | (other?.isRemote === true ? 0x200 : 0);
}

/** Nanoseconds since the epoch, exact. */
export function timeJson([seconds, nanos]: HrTime): string {
  // Joining the digits is exact and needs no BigInt.
  return seconds === 0 ? String(nanos) : `${seconds}${String(nanos).padStart(9, '0')}`;
}

/** Zero is the default of protobuf and left out. */
function countJson(count: number | undefined): number | undefined {
  return count === 0 ? undefined : count;
}

/** A double: finite ones as numbers, the others by the names that protobuf gives them. */
export function doubleJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** A text that is valid Unicode. */
export function textJson(text: string): string {
  // In every Node that is supported; the type library of ES2023 does not know it yet.
  return (text as string & { toWellFormed(): string }).toWellFormed();
}

export function attributesJson(attributes: Attributes | LogAttributes): readonly Json[] {
  const list: Json[] = [];
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    const isDouble = typeof value === 'number' && DOUBLE_ATTRIBUTES.has(key);
    list.push({ key: textJson(key), value: isDouble ? { doubleValue: doubleJson(value) } : valueJson(value) });
  }
  return list;
}

/** Any value as an `AnyValue`; what cannot be said, and what is nested too deep, is the empty value. */
export function valueJson(value: unknown, depth = 0): Json {
  switch (typeof value) {
    case 'string':
      return { stringValue: textJson(value) };
    case 'boolean':
      return { boolValue: value };
    case 'bigint':
      return { intValue: String(value) };
    case 'number':
      // Beyond 2^53 an integer is a double by nature, and beyond 2^63 no int64.
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: doubleJson(value) };
    case 'object':
      break;
    default:
      return {};
  }
  if (value === null || depth >= DEEPEST) return {};
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map((item) => valueJson(item, depth + 1)) } };
  const values = Object.entries(value).map(([key, item]) => ({
    key: textJson(key),
    value: valueJson(item, depth + 1),
  }));
  return { kvlistValue: { values } };
}
