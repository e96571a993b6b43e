/**
 * A line of a job log back into records and spans. It takes what this package writes and what the Collector's file
 * exporter writes: any number of resources, scopes and records in a line, unknown fields, numbers as strings or not.
 */
import { FORMAT, FORMAT_KEY } from '@taskspan/core/hub';

/**
 * An attribute value or body: integers are numbers, bigints beyond 2^53; doubles are numbers (also NaN and the
 * infinities); bytes are a Uint8Array; the empty value is null.
 */
export type DecodedValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly DecodedValue[]
  | DecodedAttributes;

export interface DecodedAttributes {
  readonly [key: string]: DecodedValue;
}

export interface DecodedResource {
  readonly attributes: DecodedAttributes;
  readonly schemaUrl: string;
}

export interface DecodedScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: DecodedAttributes;
  readonly schemaUrl: string;
}

/** A log record. Texts and ids that are absent are empty, numbers 0. */
export interface DecodedRecord {
  readonly resource: DecodedResource;
  readonly scope: DecodedScope;
  /** Nanoseconds since the epoch. */
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: DecodedValue;
  readonly attributes: DecodedAttributes;
  readonly droppedAttributesCount: number;
  readonly flags: number;
  /** Lower-case hex. */
  readonly traceId: string;
  readonly spanId: string;
}

export interface DecodedEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: DecodedAttributes;
  readonly droppedAttributesCount: number;
}

export interface DecodedLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: DecodedAttributes;
  readonly droppedAttributesCount: number;
  readonly flags: number;
}

export interface DecodedSpan {
  readonly resource: DecodedResource;
  readonly scope: DecodedScope;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly name: string;
  /** As OTLP counts: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: DecodedAttributes;
  readonly droppedAttributesCount: number;
  readonly events: readonly DecodedEvent[];
  readonly droppedEventsCount: number;
  readonly links: readonly DecodedLink[];
  readonly droppedLinksCount: number;
  readonly status: { readonly code: number; readonly message: string };
}

export interface DecodedLine {
  readonly records: readonly DecodedRecord[];
  readonly spans: readonly DecodedSpan[];
  /** A writer of a later format made it: what is known of it is here, more may be in it. */
  readonly isNewer: boolean;
  readonly error?: undefined;
}

export interface UndecodableLine {
  /** Why it is no batch, for people. */
  readonly error: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Decodes one line, without or with its newline. Never throws: a line that is no OTLP-JSON batch gives an `error`. */
export function decodeLine(line: string): DecodedLine | UndecodableLine {
  try {
    const batch: unknown = JSON.parse(line);
    if (!isFields(batch)) return { error: 'not an object' };
    const { resourceLogs, resourceSpans } = batch;
    if (resourceLogs === undefined && resourceSpans === undefined)
      return { error: 'neither resourceLogs nor resourceSpans' };
    const records = decodeRecords(resourceLogs);
    const spans = decodeSpans(resourceSpans);
    return { records, spans, isNewer: [...records, ...spans].some(({ scope }) => isNewer(scope)) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function isNewer(scope: DecodedScope): boolean {
  const format = scope.attributes[FORMAT_KEY];
  return typeof format === 'number' && format > FORMAT;
}

function decodeRecords(resourceLogs: unknown): readonly DecodedRecord[] {
  return list(resourceLogs).flatMap((group) => {
    const resource = decodeResource(group);
    return list(group['scopeLogs']).flatMap((inner) => {
      const scope = decodeScope(inner);
      return list(inner['logRecords']).map((record) => decodeRecord(record, resource, scope));
    });
  });
}

function decodeRecord(record: Fields, resource: DecodedResource, scope: DecodedScope): DecodedRecord {
  return {
    resource,
    scope,
    timeUnixNano: nanos(record['timeUnixNano']),
    observedTimeUnixNano: nanos(record['observedTimeUnixNano']),
    severityNumber: count(record['severityNumber']),
    severityText: text(record['severityText']),
    eventName: text(record['eventName']),
    body: decodeValue(record['body']),
    attributes: decodeAttributes(record['attributes']),
    droppedAttributesCount: count(record['droppedAttributesCount']),
    flags: count(record['flags']),
    traceId: text(record['traceId']).toLowerCase(),
    spanId: text(record['spanId']).toLowerCase(),
  };
}

function decodeSpans(resourceSpans: unknown): readonly DecodedSpan[] {
  return list(resourceSpans).flatMap((group) => {
    const resource = decodeResource(group);
    return list(group['scopeSpans']).flatMap((inner) => {
      const scope = decodeScope(inner);
      return list(inner['spans']).map((span) => decodeSpan(span, resource, scope));
    });
  });
}

function decodeSpan(span: Fields, resource: DecodedResource, scope: DecodedScope): DecodedSpan {
  const status = isFields(span['status']) ? span['status'] : {};
  return {
    resource,
    scope,
    traceId: text(span['traceId']).toLowerCase(),
    spanId: text(span['spanId']).toLowerCase(),
    parentSpanId: text(span['parentSpanId']).toLowerCase(),
    traceState: text(span['traceState']),
    flags: count(span['flags']),
    name: text(span['name']),
    kind: count(span['kind']),
    startTimeUnixNano: nanos(span['startTimeUnixNano']),
    endTimeUnixNano: nanos(span['endTimeUnixNano']),
    attributes: decodeAttributes(span['attributes']),
    droppedAttributesCount: count(span['droppedAttributesCount']),
    events: list(span['events']).map(decodeEvent),
    droppedEventsCount: count(span['droppedEventsCount']),
    links: list(span['links']).map(decodeLink),
    droppedLinksCount: count(span['droppedLinksCount']),
    status: { code: count(status['code']), message: text(status['message']) },
  };
}

function decodeEvent(event: Fields): DecodedEvent {
  return {
    timeUnixNano: nanos(event['timeUnixNano']),
    name: text(event['name']),
    attributes: decodeAttributes(event['attributes']),
    droppedAttributesCount: count(event['droppedAttributesCount']),
  };
}

function decodeLink(link: Fields): DecodedLink {
  return {
    traceId: text(link['traceId']).toLowerCase(),
    spanId: text(link['spanId']).toLowerCase(),
    traceState: text(link['traceState']),
    attributes: decodeAttributes(link['attributes']),
    droppedAttributesCount: count(link['droppedAttributesCount']),
    flags: count(link['flags']),
  };
}

function decodeResource(group: Fields): DecodedResource {
  const resource = isFields(group['resource']) ? group['resource'] : {};
  return { attributes: decodeAttributes(resource['attributes']), schemaUrl: text(group['schemaUrl']) };
}

function decodeScope(group: Fields): DecodedScope {
  const scope = isFields(group['scope']) ? group['scope'] : {};
  return {
    name: text(scope['name']),
    version: text(scope['version']),
    attributes: decodeAttributes(scope['attributes']),
    schemaUrl: text(group['schemaUrl']),
  };
}

function decodeAttributes(attributes: unknown): DecodedAttributes {
  const decoded: Record<string, DecodedValue> = {};
  for (const attribute of list(attributes)) {
    const key = text(attribute['key']);
    const value = decodeValue(attribute['value']);
    // Assigned, this one key would change the prototype.
    if (key === '__proto__')
      Object.defineProperty(decoded, key, { value, enumerable: true, configurable: true, writable: true });
    else decoded[key] = value;
  }
  return decoded;
}

function decodeValue(value: unknown): DecodedValue {
  if (!isFields(value)) return null;
  if (typeof value['stringValue'] === 'string') return value['stringValue'];
  if (typeof value['boolValue'] === 'boolean') return value['boolValue'];
  if (value['intValue'] !== undefined) return decodeInt(value['intValue']);
  // "NaN", "Infinity" and "-Infinity" are what Number() takes, too.
  if (value['doubleValue'] !== undefined) return Number(value['doubleValue']);
  if (typeof value['bytesValue'] === 'string') return Uint8Array.from(Buffer.from(value['bytesValue'], 'base64'));
  if (isFields(value['arrayValue'])) return list(value['arrayValue']['values']).map(decodeValue);
  if (isFields(value['kvlistValue'])) return decodeAttributes(value['kvlistValue']['values']);
  return null;
}

function decodeInt(value: unknown): number | bigint {
  const asNumber = Number(value);
  if (Number.isSafeInteger(asNumber)) return asNumber;
  return BigInt(value as string);
}

/** The objects of an array; none when it is absent. Throws on anything else. */
function list(value: unknown): readonly Fields[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isFields)) throw new TypeError('not a list of objects');
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  const asNumber = Number(value ?? 0);
  return Number.isFinite(asNumber) ? asNumber : 0;
}

function nanos(value: unknown): bigint {
  return typeof value === 'string' || typeof value === 'number' ? BigInt(value) : 0n;
}
