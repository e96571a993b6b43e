import type { RequestBody } from '../send-result.ts';

/** One field of a message, by where its bytes lie. */
interface Field {
  readonly number: number;
  readonly wire: number;
  /** Where its key begins, where its content does, and where it ends. */
  readonly start: number;
  readonly from: number;
  readonly end: number;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * Numbers of the lists in the requests of all three signals, from the outside in: those of resources, of scopes, and of
 * spans, records or metrics. Source: opentelemetry-proto v1.7, `trace.proto`, `logs.proto`, `metrics.proto`.
 */
const LISTS = [1, 2, 2] as const;
const INNERMOST = LISTS.length - 1;

/** Gauge, sum, histogram, exponential histogram and summary of a metric. */
const METRIC_DATA: ReadonlySet<number> = new Set([5, 7, 9, 10, 11]);
/** The list of points in each of these. */
const DATA_POINTS = 1;

/**
 * Cuts an uncompressed OTLP body in protobuf in two, each with about half of the items in their order. All other fields,
 * known or not, stay as they are.
 *
 * @param isMetrics what the bytes do not say: whether the items are metrics, which are counted by their points
 * @returns undefined for what cannot be cut: a single item, JSON, or what is no OTLP
 */
export function protobufHalves(body: RequestBody, isMetrics: boolean): readonly [RequestBody, RequestBody] | undefined {
  if (body.format !== 'pb' || body.gzip) return undefined;
  const { buffer, byteOffset, byteLength } = body.bytes;
  const request = Buffer.from(buffer, byteOffset, byteLength);
  const part = (from: number, to: number): RequestBody | undefined => {
    let at = 0;
    let items = 0;
    const bytes = sift(request, 0, (item) => {
      const isKept = at >= from && at < to;
      at += 1;
      if (isKept) items += isMetrics ? points(item) : 1;
      return isKept;
    });
    return bytes && { bytes, format: 'pb', gzip: false, items };
  };
  try {
    let count = 0;
    sift(request, 0, () => {
      count += 1;
      return false;
    });
    const half = Math.floor(count / 2);
    const [first, second] = [part(0, half), part(half, count)];
    return first && second && [first, second];
  } catch {
    // Cut off or damaged on the disk: there are no halves of it, and the caller says what becomes of it.
    return undefined;
  }
}

/**
 * A message with those of its items that are kept, asked in their order.
 *
 * @param depth how many lists it lies in
 * @returns undefined when no item is left in it; throws when it is no message
 */
function sift(message: Buffer, depth: number, isKept: (item: Buffer) => boolean): Buffer | undefined {
  const pieces: Buffer[] = [];
  let isEmpty = true;
  for (const { number, wire, start, from, end } of fields(message)) {
    const content = message.subarray(from, end);
    if (number !== LISTS[depth] || wire !== BYTES) {
      pieces.push(message.subarray(start, end));
    } else if (depth === INNERMOST) {
      if (!isKept(content)) continue;
      isEmpty = false;
      pieces.push(message.subarray(start, end));
    } else {
      const rest = sift(content, depth + 1, isKept);
      if (rest === undefined) continue;
      isEmpty = false;
      pieces.push(varint(number * 8 + BYTES), varint(rest.byteLength), rest);
    }
  }
  return isEmpty ? undefined : Buffer.concat(pieces);
}

function points(metric: Buffer): number {
  let count = 0;
  for (const { number, wire, from, end } of fields(metric)) {
    if (wire !== BYTES || !METRIC_DATA.has(number)) continue;
    for (const point of fields(metric.subarray(from, end))) {
      if (point.number === DATA_POINTS && point.wire === BYTES) count += 1;
    }
  }
  return count;
}

/** Throws where the bytes are no message. */
function* fields(message: Buffer): Generator<Field> {
  let at = 0;
  const read = (): number => {
    let value = 0;
    for (let factor = 1; factor < 2 ** 70; factor *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is longer than ten bytes');
  };
  while (at < message.byteLength) {
    const start = at;
    const key = read();
    const [number, wire] = [Math.floor(key / 8), key % 8];
    if (number === 0) throw new RangeError('no field has the number 0');
    let from = at;
    if (wire === VARINT) {
      read();
    } else if (wire === BYTES) {
      const length = read();
      from = at;
      at += length;
    } else if (wire === FIXED64) {
      at += 8;
    } else if (wire === FIXED32) {
      at += 4;
    } else {
      throw new RangeError(`no field of OTLP has the wire type ${wire}`);
    }
    if (at > message.byteLength) throw new RangeError('a field is longer than its message');
    yield { number, wire, start, from, end: at };
  }
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
