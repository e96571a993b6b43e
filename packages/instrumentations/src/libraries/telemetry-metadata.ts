import { safely } from '@taskspan/core/hub';

/** The slot of BullMQ's own `telemetry` in the options of a job; Bull and older BullMQ store whatever options there are. */
interface TelemetryOptions {
  readonly telemetry?: { readonly metadata?: string; readonly omitContext?: boolean } | undefined;
  /** A template of jobs. */
  readonly repeat?: unknown;
}

/** What most carriers look like, as text: nothing but the 55 characters of a `traceparent`. */
const PLAIN = /^\{"traceparent":"[0-9a-f-]{55}"\}$/;
const VALUE_AT = '{"traceparent":"'.length;

/** The W3C carrier that somebody has put there; undefined for anything else. */
export function readMetadata(metadata: unknown): unknown {
  // Others may keep what they like there.
  if (typeof metadata !== 'string' || !metadata.startsWith('{')) return undefined;
  // Half the cost of parsing it.
  if (PLAIN.test(metadata)) return { traceparent: metadata.slice(VALUE_AT, -2) };
  return safely('reading the carrier of a job', () => JSON.parse(metadata) as unknown);
}

/**
 * A copy of the options with the carrier in it; the given ones where there is something already, where the application
 * wants nothing there, and for templates: each of their jobs would come with it.
 *
 * @param defaults what the library merges below the options
 */
export function withMetadata(given: unknown, metadata: string, defaults?: unknown): unknown {
  if (given !== undefined && given !== null && typeof given !== 'object') return given;
  const options: TelemetryOptions = { ...(defaults as TelemetryOptions | undefined), ...given };
  const { telemetry, repeat } = options;
  if (telemetry?.metadata !== undefined || telemetry?.omitContext === true) return given;
  if (repeat !== undefined && repeat !== null) return given;
  return { ...given, telemetry: { ...telemetry, metadata } };
}
