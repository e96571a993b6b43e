import type { RequestBody } from '../send-result.ts';

type Group = { readonly [key: string]: unknown };

/** Names of the lists in the bodies of the three signals, from the outside in. */
const LEVELS = [
  ['resourceSpans', 'scopeSpans', 'spans'],
  ['resourceLogs', 'scopeLogs', 'logRecords'],
  ['resourceMetrics', 'scopeMetrics', 'metrics'],
] as const;

/**
 * Cuts an uncompressed OTLP-JSON body in two, each with about half of the items in their order.
 *
 * @returns undefined for what cannot be cut: a single item, protobuf (see `protobuf-halves.ts`), or what is no OTLP-JSON
 */
export function jsonHalves(body: RequestBody): readonly [RequestBody, RequestBody] | undefined {
  if (body.format !== 'json' || body.gzip) return undefined;
  let request: Group;
  try {
    request = JSON.parse(Buffer.from(body.bytes).toString()) as Group;
  } catch {
    // Cut off or damaged on the disk: there are no halves of it, and the caller says what becomes of it.
    return undefined;
  }
  const level = LEVELS.find(([outer]) => Array.isArray(request[outer]));
  if (level === undefined) return undefined;
  const [outer, middle, inner] = level;
  const count = groups(request, outer)
    .flatMap((resource) => groups(resource, middle))
    .reduce((sum, scope) => sum + groups(scope, inner).length, 0);
  if (count < 2) return undefined;
  const half = Math.floor(count / 2);
  let at = 0;
  const part = (from: number, to: number): RequestBody => {
    at = 0;
    const resources = groups(request, outer).map((resource) => ({
      ...resource,
      [middle]: groups(resource, middle)
        .map((scope) => {
          const items = groups(scope, inner).filter(() => {
            const index = at++;
            return index >= from && index < to;
          });
          return { ...scope, [inner]: items };
        })
        .filter((scope) => groups(scope, inner).length > 0),
    }));
    const kept = resources.filter((resource) => groups(resource, middle).length > 0);
    const bytes = Buffer.from(JSON.stringify({ [outer]: kept }));
    return { bytes, format: 'json', gzip: false, items: countItems(kept, middle, inner) };
  };
  return [part(0, half), part(half, count)];
}

function groups(group: Group | undefined, key: string): readonly Group[] {
  const list = group?.[key];
  return Array.isArray(list) ? (list as Group[]) : [];
}

/** Spans and records count each, metrics by their points. */
function countItems(resources: readonly Group[], middle: string, inner: string): number {
  let items = 0;
  for (const resource of resources) {
    for (const scope of groups(resource, middle)) {
      for (const item of groups(scope, inner)) items += inner === 'metrics' ? points(item) : 1;
    }
  }
  return items;
}

function points(metric: Group): number {
  for (const value of Object.values(metric)) {
    const list = typeof value === 'object' && value !== null ? (value as Group)['dataPoints'] : undefined;
    if (Array.isArray(list)) return list.length;
  }
  return 0;
}
