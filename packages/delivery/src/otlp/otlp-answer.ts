/** What a receiver's answer means: OTLP specification, "OTLP/HTTP Response" and "Failures". */
import type { SendResult } from '../send-result.ts';

export interface OtlpAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly retryAfter: string | undefined;
  /** Of an answer that is long, its beginning. */
  readonly body: Buffer;
  /** Where it comes from, as it may stand in a message. */
  readonly url: string;
}

/** Answers worth another try. 408 is not in the specification's list, but in the nature of HTTP. */
const RETRYABLE = new Set([408, 429, 502, 503, 504]);
/**
 * Not to be tried again, by the specification. But a Collector whose disk is full says 500 too, and a proxy whose backend
 * is away says 520 to 530: the data is good, and would be lost for a fault that passes.
 */
const FINAL_5XX = new Set([501, 505, 506, 510, 511]);
/** A Collector does not say 413: it answers 400 with the words of Go's HTTP server. */
const TOO_LARGE = /request body too large/;
/** What a server that wants TLS says, with 400, to plain HTTP: those in Go, and nginx. */
const WANTS_TLS = /HTTP request (was sent )?to (an )?HTTPS (server|port)/;
/** Of an answer that refuses, this much is quoted in the warning. */
const QUOTED_CHARS = 200;

/** Answers that say that the address or the token is wrong: a person can put it right, and the data is good. */
const MISCONFIGURED: Readonly<Record<number, string>> = {
  301: 'the endpoint has moved: look at OTEL_EXPORTER_OTLP_ENDPOINT',
  302: 'the endpoint has moved: look at OTEL_EXPORTER_OTLP_ENDPOINT',
  303: 'the endpoint has moved: look at OTEL_EXPORTER_OTLP_ENDPOINT',
  307: 'the endpoint has moved: look at OTEL_EXPORTER_OTLP_ENDPOINT',
  308: 'the endpoint has moved: look at OTEL_EXPORTER_OTLP_ENDPOINT',
  401: 'the token is missing or wrong: look at OTEL_EXPORTER_OTLP_HEADERS',
  403: 'the token allows it not: look at OTEL_EXPORTER_OTLP_HEADERS',
  404: 'nobody takes this signal there: look at OTEL_EXPORTER_OTLP_ENDPOINT, or switch the signal off by OTEL_TRACES_EXPORTER, OTEL_LOGS_EXPORTER or OTEL_METRICS_EXPORTER=none',
  405: 'nobody takes this signal there: look at OTEL_EXPORTER_OTLP_ENDPOINT',
  407: 'a proxy asks who we are: look at OTEL_EXPORTER_OTLP_ENDPOINT',
};

/** @param nowMs epoch milliseconds, for a `Retry-After` that is a date */
export function readAnswer(answer: OtlpAnswer, nowMs: number): SendResult {
  const { status, url } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered', ...readPartialSuccess(answer) };
  const said = isText(answer.contentType) ? answer.body.toString('utf8').slice(0, QUOTED_CHARS).trim() : '';
  const reason = `${url}: HTTP ${status} ${said}`.trim();
  if (status === 413 || (status === 400 && TOO_LARGE.test(said))) return { kind: 'too large', reason };
  const mend =
    status === 400 && WANTS_TLS.test(said)
      ? 'TLS is spoken there: write https in OTEL_EXPORTER_OTLP_ENDPOINT'
      : MISCONFIGURED[status];
  const retryAfterMs = readRetryAfter(answer.retryAfter, nowMs);
  if (mend !== undefined)
    return { kind: 'retryable', reason: `${reason} (${mend})`, retryAfterMs, misconfigured: true };
  if (RETRYABLE.has(status)) return { kind: 'retryable', reason, retryAfterMs };
  if (status >= 500 && !FINAL_5XX.has(status)) return { kind: 'retryable', reason, retryAfterMs, suspect: true };
  return { kind: 'refused', reason };
}

/**
 * The wait that a `Retry-After` header asks for, in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3);
 * undefined when there is none or it says neither.
 */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const waitMs = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

function isText(contentType: string | undefined): boolean {
  return contentType === undefined || /json|text/.test(contentType);
}

interface PartialSuccess {
  readonly rejected?: number;
  readonly message?: string;
}

/** How many items of a request that was taken were not, in the receiver's words. What cannot be read says nothing. */
function readPartialSuccess({ contentType, body }: OtlpAnswer): PartialSuccess {
  if (body.byteLength === 0) return {};
  try {
    return contentType?.includes('protobuf') ? protobufPartial(body) : jsonPartial(body);
  } catch {
    // An answer of 200 with any other text is a yes all the same.
    return {};
  }
}

function jsonPartial(body: Buffer): PartialSuccess {
  const answer = JSON.parse(body.toString('utf8')) as { partialSuccess?: Record<string, unknown> } | null;
  const partial = answer?.partialSuccess ?? {};
  const count = Number(partial['rejectedSpans'] ?? partial['rejectedLogRecords'] ?? partial['rejectedDataPoints'] ?? 0);
  return partialSuccess(count, String(partial['errorMessage'] ?? ''));
}

/** Field 1 of the answer is the partial success, of which 1 is the count and 2 the message. */
function protobufPartial(body: Buffer): PartialSuccess {
  const partial = readFields(body).get(1);
  if (!(partial instanceof Uint8Array)) return {};
  const fields = readFields(Buffer.from(partial));
  const [count, message] = [fields.get(1), fields.get(2)];
  return partialSuccess(
    typeof count === 'number' ? count : 0,
    message instanceof Uint8Array ? Buffer.from(message).toString('utf8') : '',
  );
}

function partialSuccess(count: number, message: string): PartialSuccess {
  const words = message.trim().slice(0, QUOTED_CHARS);
  return {
    ...(Number.isFinite(count) && count > 0 ? { rejected: count } : {}),
    ...(words === '' ? {} : { message: words }),
  };
}

/** The fields of a protobuf message, the last of each number: a number, or bytes. Throws for what is none. */
function readFields(message: Buffer): ReadonlyMap<number, number | Uint8Array> {
  const fields = new Map<number, number | Uint8Array>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.byteLength) {
    const key = varint();
    const field = Math.floor(key / 8);
    const wire = key % 8;
    if (wire === 0) {
      fields.set(field, varint());
    } else if (wire === 2) {
      const length = varint();
      if (at + length > message.byteLength) throw new RangeError('a field is longer than its message');
      fields.set(field, message.subarray(at, at + length));
      at += length;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
    } else {
      throw new TypeError(`wire type ${wire} is none of ours`);
    }
  }
  return fields;
}
