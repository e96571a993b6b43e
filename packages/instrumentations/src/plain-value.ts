import type { AnyValue } from '@opentelemetry/api-logs';

/** Nesting kept in an attribute; deeper values become a text. */
const MAX_DEPTH = 8;

/**
 * A value as the OTel logs SDK accepts it (it refuses a whole attribute for one Date in it): the same choices as
 * `JSON.stringify`, but for bigints, which become text, and bytes, which stay. Undefined where nothing is left.
 */
export function plainValue(value: unknown, depth = 0): AnyValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return undefined;
    default:
      return value === null ? null : plainObject(value as object, depth);
  }
}

function plainObject(value: object, depth: number): AnyValue {
  if (value instanceof Uint8Array) return value;
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[Array]' : '[Object]';
  if (Array.isArray(value)) return value.map((item) => plainValue(item, depth + 1));
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return plainValue(toJSON.call(value), depth + 1);
  if (value instanceof Error) return { type: value.name, message: value.message, stack: value.stack };
  const plain: Record<string, AnyValue> = {};
  for (const [key, item] of Object.entries(value)) plain[key] = plainValue(item, depth + 1);
  return plain;
}
