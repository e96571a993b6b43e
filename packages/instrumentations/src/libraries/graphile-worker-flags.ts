type Carrier = Readonly<Record<string, string>>;

/** What of W3C's context travels. */
const FIELDS = ['traceparent', 'tracestate'] as const;

/**
 * Flags of a job only matter where a worker forbids them by name, so they can carry the enqueuer's context, for which
 * the payload has no room that its consumers would not see: `traceparent:<value>`.
 *
 * @returns the very spec where it carries a context already
 */
export function withCarrierFlags<S extends { readonly flags?: readonly string[] | null }>(
  spec: S,
  carrier: Carrier,
): S {
  const flags = Array.isArray(spec.flags) ? (spec.flags as readonly string[]) : [];
  if (flags.some((flag) => String(flag).startsWith('traceparent:'))) return spec;
  const added = FIELDS.flatMap((field) => {
    const value = carrier[field];
    return value === undefined || value === '' ? [] : [`${field}:${value}`];
  });
  return added.length === 0 ? spec : { ...spec, flags: [...flags, ...added] };
}

/** Takes the context out of the flags of a job, which come back as keys of an object, or as null where there are none. */
export function takeCarrierFlags(job: { flags?: unknown }): Carrier | undefined {
  const { flags } = job;
  if (typeof flags !== 'object' || flags === null) return undefined;
  const carrier: Record<string, string> = {};
  const others: Record<string, unknown> = {};
  for (const [flag, value] of Object.entries(flags)) {
    const field = FIELDS.find((name) => flag.startsWith(`${name}:`));
    if (field === undefined) others[flag] = value;
    else carrier[field] = flag.slice(field.length + 1);
  }
  if (carrier['traceparent'] === undefined) return undefined;
  job.flags = Object.keys(others).length === 0 ? null : others;
  return carrier;
}
