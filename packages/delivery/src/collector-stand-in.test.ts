/** A small HTTP server that stands for the Collector in the tests of this folder. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, it } from 'mocha';
import type { OtlpTarget } from './otlp-config.ts';

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Set when the body is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any shape.
  readonly json: any;
}

/** Answers a request; `index` counts from 0. Not ending the response is what a hung server does. */
export type Answer = (response: ServerResponse, index: number) => void;

export const OK: Answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}');

export class CollectorStandIn {
  readonly received: Received[] = [];
  answer: Answer = OK;
  /** Largest number of requests that were open at one time. */
  mostAtOnce = 0;
  port = 0;
  readonly #changed = new EventEmitter();
  #server = createServer();
  #open = 0;

  /** Listens on a port of the system's choice, later again on the same one. */
  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** Resolves as soon as `ready` holds after a request. */
  async until(ready: () => boolean): Promise<void> {
    while (!ready()) await once(this.#changed, 'request');
  }

  target(signal: 'traces' | 'logs' | 'metrics', changes: Partial<OtlpTarget> = {}): OtlpTarget {
    return {
      url: `http://127.0.0.1:${this.port}/v1/${signal}`,
      protocol: 'http/json',
      headers: {},
      timeoutMs: 10_000,
      compression: 'none',
      certificate: undefined,
      clientKey: undefined,
      clientCertificate: undefined,
      ...changes,
    };
  }

  /** Names of all spans taken with JSON bodies. */
  spanNames(): string[] {
    return this.received.flatMap(({ json }) =>
      // biome-ignore lint/suspicious/noExplicitAny: OTLP-JSON
      json.resourceSpans.flatMap((r: any) => r.scopeSpans.flatMap((s: any) => s.spans.map((span: any) => span.name))),
    );
  }

  /** All log records taken with JSON bodies. */
  // biome-ignore lint/suspicious/noExplicitAny: OTLP-JSON
  logRecords(): any[] {
    return this.received.flatMap(({ json }) =>
      // biome-ignore lint/suspicious/noExplicitAny: OTLP-JSON
      json.resourceLogs.flatMap((r: any) => r.scopeLogs.flatMap((s: any) => s.logRecords)),
    );
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
    response.on('close', () => {
      this.#open -= 1;
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    const json = request.headers['content-type'] === 'application/json' ? JSON.parse(body.toString()) : undefined;
    const asked = this.#asked++;
    // Only what is accepted counts as received.
    response.on('finish', () => {
      if (response.statusCode < 300)
        this.received.push({ path: request.url ?? '', headers: request.headers, body, json });
      this.#changed.emit('request');
    });
    this.answer(response, asked);
    this.#changed.emit('request');
  }

  #asked = 0;

  /** Requests that arrived, whatever was answered. */
  get asked(): number {
    return this.#asked;
  }
}

/** The length-delimited fields of number `field` in a protobuf message. */
export function protobufFields(message: Buffer, field: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      const length = varint();
      if (Math.floor(key / 8) === field) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}

describe('protobufFields', () => {
  it('finds the fields of a message', () => {
    const message = Buffer.from([0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69, 0x12, 0x01, 0x21]);
    assert.deepEqual(protobufFields(message, 2).map(String), ['hi', '!']);
  });
});
