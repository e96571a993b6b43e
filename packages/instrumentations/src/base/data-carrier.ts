/** Key of a job's data under which the enqueuer's context travels, where the application allows it. */
const CARRIER_KEY = '__taskspan';

type Data = Record<string, unknown>;

/** A copy of a job's data with the carrier; the very data when they are no plain object, or carry one already. */
export function withDataCarrier(data: unknown, carrier: Readonly<Record<string, string>>): unknown {
  return isPlain(data) && !(CARRIER_KEY in data) ? { ...data, [CARRIER_KEY]: carrier } : data;
}

/** Takes the carrier out of a job's data, which are the worker's own copy. Undefined when there is none. */
export function takeDataCarrier(data: unknown): unknown {
  if (!isPlain(data)) return undefined;
  const carrier = data[CARRIER_KEY];
  if (carrier !== undefined) Reflect.deleteProperty(data, CARRIER_KEY);
  return carrier;
}

function isPlain(data: unknown): data is Data {
  if (typeof data !== 'object' || data === null) return false;
  const prototype: unknown = Object.getPrototypeOf(data);
  return prototype === Object.prototype || prototype === null;
}
