/** How a server answered. */
export interface OtlpAnswer {
  readonly status: number;
  readonly text: string;
}

export interface OtlpRequest {
  readonly signal: 'logs' | 'traces' | 'metrics';
  /** Sent as it is when it is text or bytes, else as JSON. */
  readonly body: string | Uint8Array<ArrayBuffer> | object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An attribute of OTLP-JSON with a text. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A client of OTLP over HTTP that has nothing to do with this toolkit, and sends whatever it is told to. */
export class OtlpClient {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async post({ signal, body, headers = {} }: OtlpRequest): Promise<OtlpAnswer> {
    const response = await fetch(`${this.#endpoint}/v1/${signal}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    return { status: response.status, text: await response.text() };
  }
}

/** Attributes of OTLP-JSON from texts. */
export function otlpAttributes(texts: Readonly<Record<string, string>>): OtlpAttribute[] {
  return Object.entries(texts).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** A batch of one log record. */
export function otlpLog(body: string, attributes: readonly OtlpAttribute[]): object {
  const timeUnixNano = `${Date.now()}000000`;
  const record = {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    severityNumber: 9,
    body: { stringValue: body },
    attributes,
  };
  const resource = { attributes: otlpAttributes({ 'service.name': 'stranger', 'service.instance.id': 'stranger-1' }) };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'stranger' }, logRecords: [record] }] }] };
}

/** A batch of one span. */
export function otlpSpan(name: string, attributes: readonly OtlpAttribute[]): object {
  const hex = (bytes: number): string => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
  const endTimeUnixNano = `${Date.now()}000000`;
  const span = {
    traceId: hex(16),
    spanId: hex(8),
    name,
    kind: 1,
    startTimeUnixNano: endTimeUnixNano,
    endTimeUnixNano,
    attributes,
  };
  const resource = { attributes: otlpAttributes({ 'service.name': 'stranger', 'service.instance.id': 'stranger-1' }) };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'stranger' }, spans: [span] }] }] };
}
