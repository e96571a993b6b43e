import type { Link, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base';
import { LIMITS } from '@taskspan/core/hub';
import { cutToFit } from './cut-record.ts';
import { attributesJson, hasIds, hrNanos, textJson } from './otlp-json.ts';

/** A text of at most this many UTF-16 units has at most `recordBytes` bytes. */
const SURELY_FITS = Math.floor(LIMITS.recordBytes / 3);

/** What of a span may be too long. */
interface SpanContent {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly TimedEvent[];
  readonly links: readonly Link[];
  readonly message: string;
}

/** One `Span`, at most 1 MiB: longer text in it is cut with a mark. */
export function spanJson(span: ReadableSpan): string {
  const { attributes, events, links } = span;
  const content: SpanContent = { attributes, events, links, message: span.status.message ?? '' };
  const json = joinSpan(span, content);
  if (json.length <= SURELY_FITS || Buffer.byteLength(json) <= LIMITS.recordBytes) return json;
  const body = { events: events.map((event) => event.attributes), message: content.message };
  return cutToFit({ body, attributes }, LIMITS.recordBytes, (cut) => joinSpan(span, cutContent(content, cut)));
}

/** The span with what is left of its texts; when even that was too much, without events and links. */
function cutContent(
  content: SpanContent,
  cut: { readonly body: unknown; readonly attributes: Readonly<Record<string, unknown>> },
): SpanContent {
  const { attributes } = cut;
  if (typeof cut.body !== 'object' || cut.body === null) return { attributes, events: [], links: [], message: '' };
  const left = cut.body as { readonly events: readonly TimedEvent['attributes'][]; readonly message: string };
  const events = content.events.map((event, at) => {
    const own = left.events[at];
    return own === undefined ? event : { ...event, attributes: own };
  });
  return { attributes, events, links: content.links, message: left.message };
}

function joinSpan(span: ReadableSpan, content: SpanContent): string {
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  const attributes = attributesJson(content.attributes);
  const droppedEvents = span.droppedEventsCount + span.events.length - content.events.length;
  const droppedLinks = span.droppedLinksCount + span.links.length - content.links.length;
  // OTLP has "unspecified" before the kinds of the API.
  return (
    `{${idsJson(context)}${traceStateJson(context)}` +
    (parent === undefined || !hasIds(parent) ? '' : `"parentSpanId":"${parent.spanId}",`) +
    `"flags":${flagsOf(context, parent)},` +
    (span.name === '' ? '' : `"name":${textJson(span.name)},`) +
    `"kind":${span.kind + 1},` +
    `"startTimeUnixNano":"${hrNanos(span.startTime)}","endTimeUnixNano":"${hrNanos(span.endTime)}"` +
    (attributes === '' ? '' : `,"attributes":[${attributes}]`) +
    countJson('droppedAttributesCount', span.droppedAttributesCount) +
    (content.events.length === 0 ? '' : `,"events":[${content.events.map(eventJson).join(',')}]`) +
    countJson('droppedEventsCount', droppedEvents) +
    (content.links.length === 0 ? '' : `,"links":[${content.links.map(linkJson).join(',')}]`) +
    countJson('droppedLinksCount', droppedLinks) +
    `,"status":${statusJson(span.status.code, content.message)}}`
  );
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

/** A count after a comma; zero is left out. */
function countJson(name: string, count: number | undefined): string {
  return count === undefined || count === 0 ? '' : `,"${name}":${count}`;
}

function eventJson(event: TimedEvent): string {
  const attributes = attributesJson(event.attributes ?? {});
  return (
    `{"timeUnixNano":"${hrNanos(event.time)}"` +
    (event.name === '' ? '' : `,"name":${textJson(event.name)}`) +
    (attributes === '' ? '' : `,"attributes":[${attributes}]`) +
    `${countJson('droppedAttributesCount', event.droppedAttributesCount)}}`
  );
}

function linkJson(link: Link): string {
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
