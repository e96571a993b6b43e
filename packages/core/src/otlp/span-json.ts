import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api';
import { LIMITS } from '../limits.ts';
import { attributesJson, countJson, textJson } from './any-value.ts';
import { cutToFit } from './cut-record.ts';
import { hrNanos } from './nanos.ts';
import { hasIds } from './trace-ids.ts';

/** What is read of an event of a span. */
interface EventLike {
  readonly time: HrTime;
  readonly name: string;
  readonly attributes?: Attributes | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

/** What is read of a link of a span. */
interface LinkLike {
  readonly context: SpanContext;
  readonly attributes?: Attributes | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

/** What is read of a span of the trace SDK that has ended. */
export interface SpanLike {
  readonly name: string;
  readonly kind: number;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: Attributes;
  readonly events: readonly EventLike[];
  readonly links: readonly LinkLike[];
  readonly parentSpanContext?: SpanContext | undefined;
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
  spanContext(): SpanContext;
}

/** A text of at most this many UTF-16 units has at most `recordBytes` bytes. */
const SURELY_FITS = Math.floor(LIMITS.recordBytes / 3);
/** Kinds of the API; OTLP has "unspecified" before them. */
const KINDS = 5;
/** Codes of a status: unset, OK, error. */
const STATUS_CODES = 3;

/** What of a span may be too long. */
interface SpanContent {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly EventLike[];
  readonly links: readonly LinkLike[];
  readonly message: string;
}

/** One `Span`, at most 1 MiB: longer text in it is cut with a mark. */
export function spanJson(span: SpanLike): string {
  const { name, attributes, events, links } = span;
  const content: SpanContent = { name, attributes, events, links, message: span.status.message ?? '' };
  const json = joinSpan(span, content);
  if (json.length <= SURELY_FITS || Buffer.byteLength(json) <= LIMITS.recordBytes) return json;
  return cutToFit({ body: textsOf(content), attributes }, LIMITS.recordBytes, (cut) =>
    joinSpan(span, cutContent(content, cut)),
  );
}

/** Texts of a span beside its attributes, in a shape that can be cut. */
interface SpanTexts {
  readonly name: string;
  readonly message: string;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes | undefined }[];
  readonly links: readonly (Attributes | undefined)[];
}

function textsOf({ name, message, events, links }: SpanContent): SpanTexts {
  return {
    name,
    message,
    events: events.map((event) => ({ name: event.name, attributes: event.attributes })),
    links: links.map((link) => link.attributes),
  };
}

/** The span with what is left of its texts; when even that was too much, without events and links. */
function cutContent(
  content: SpanContent,
  cut: { readonly body: unknown; readonly attributes: Readonly<Record<string, unknown>> },
): SpanContent {
  const { attributes } = cut;
  if (typeof cut.body !== 'object' || cut.body === null) {
    return { name: '', attributes, events: [], links: [], message: '' };
  }
  const left = cut.body as SpanTexts;
  return {
    name: left.name,
    attributes,
    events: content.events.map((event, at) => ({ ...event, ...left.events[at] })),
    links: content.links.map((link, at) => ({ ...link, attributes: left.links[at] })),
    message: left.message,
  };
}

function joinSpan(span: SpanLike, content: SpanContent): string {
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  const attributes = attributesJson(content.attributes);
  const droppedEvents = span.droppedEventsCount + span.events.length - content.events.length;
  const droppedLinks = span.droppedLinksCount + span.links.length - content.links.length;
  return (
    `{${idsJson(context)}${traceStateJson(context)}` +
    (parent === undefined || !hasIds(parent) ? '' : `"parentSpanId":"${parent.spanId}",`) +
    `"flags":${flagsOf(context, parent)},` +
    (content.name === '' ? '' : `"name":${textJson(content.name)},`) +
    `"kind":${choice(span.kind, KINDS) + 1}` +
    timeJson('startTimeUnixNano', span.startTime) +
    timeJson('endTimeUnixNano', span.endTime) +
    (attributes === '' ? '' : `,"attributes":[${attributes}]`) +
    countJson('droppedAttributesCount', span.droppedAttributesCount) +
    (content.events.length === 0 ? '' : `,"events":[${content.events.map(eventJson).join(',')}]`) +
    countJson('droppedEventsCount', droppedEvents) +
    (content.links.length === 0 ? '' : `,"links":[${content.links.map(linkJson).join(',')}]`) +
    countJson('droppedLinksCount', droppedLinks) +
    `,"status":${statusJson(choice(span.status.code, STATUS_CODES), content.message)}}`
  );
}

/** A number below `choices`; anything else that an application without types handed over is 0, the default of the API. */
function choice(number: number, choices: number): number {
  return Number.isInteger(number) && number >= 0 && number < choices ? number : 0;
}

/** Both ids, each before a comma; nothing when they are not valid. */
function idsJson(context: SpanContext): string {
  return hasIds(context) ? `"traceId":"${context.traceId}","spanId":"${context.spanId}",` : '';
}

function traceStateJson(context: SpanContext): string {
  const text = context.traceState?.serialize() ?? '';
  return text === '' ? '' : `"traceState":${textJson(text)},`;
}

/** The W3C flags, bit 8 "it is known whether the parent is remote", bit 9 "it is". */
function flagsOf(own: SpanContext, other: SpanContext | undefined): number {
  return (own.traceFlags & 0xff) | 0x100 | (other?.isRemote === true ? 0x200 : 0);
}

function eventJson(event: EventLike): string {
  const attributes = attributesJson(event.attributes ?? {});
  const fields =
    timeJson('timeUnixNano', event.time) +
    (event.name === '' ? '' : `,"name":${textJson(event.name)}`) +
    (attributes === '' ? '' : `,"attributes":[${attributes}]`) +
    countJson('droppedAttributesCount', event.droppedAttributesCount);
  return `{${fields.slice(1)}}`;
}

/** A time after a comma; nothing for the epoch itself, which is a zero field. */
function timeJson(key: string, time: HrTime): string {
  const nanos = hrNanos(time);
  return nanos === '0' ? '' : `,"${key}":"${nanos}"`;
}

function linkJson(link: LinkLike): string {
  const { context } = link;
  const attributes = attributesJson(link.attributes ?? {});
  return (
    `{${idsJson(context)}${traceStateJson(context)}` +
    (attributes === '' ? '' : `"attributes":[${attributes}],`) +
    (link.droppedAttributesCount ? `"droppedAttributesCount":${link.droppedAttributesCount},` : '') +
    `"flags":${flagsOf(context, context)}}`
  );
}

function statusJson(code: number, message: string): string {
  if (message === '') return code === 0 ? '{}' : `{"code":${code}}`;
  return code === 0 ? `{"message":${textJson(message)}}` : `{"message":${textJson(message)},"code":${code}}`;
}
