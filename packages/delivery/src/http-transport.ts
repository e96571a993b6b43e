import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import type { SendResult } from './export-queue.ts';
import { type OtlpTarget, withoutPassword } from './otlp-config.ts';

/** Answers worth another try, from the OTLP specification ("Failures"). */
const RETRYABLE = new Set([429, 502, 503, 504]);
/** Of an answer that refuses, this much is quoted in the warning. */
const QUOTED_CHARS = 200;
const gzipAsync = promisify(gzip);

/**
 * Posts OTLP bodies to one URL over kept-alive connections. One request, one answer: retrying is the queue's work.
 * Nothing here keeps the process alive, and no request is traced, whatever instrumentation the app has.
 */
export class HttpTransport {
  readonly #target: OtlpTarget;
  readonly #request: typeof http.request;
  readonly #agent: http.Agent;
  readonly #certificates: https.AgentOptions;

  /** Throws when a certificate or key file cannot be read. */
  constructor(target: OtlpTarget) {
    this.#target = target;
    const secure = target.url.startsWith('https:');
    this.#request = secure ? https.request : http.request;
    this.#agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
    this.#certificates = secure ? readCertificates(target) : {};
  }

  /** Posts one body; never rejects, and answers within the target's timeout. */
  async post(body: Uint8Array): Promise<SendResult> {
    const headers: Record<string, string> = {
      ...this.#target.headers,
      'user-agent': 'taskspan',
      'content-type': this.#target.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    };
    let payload = body;
    if (this.#target.compression === 'gzip') {
      payload = await gzipAsync(body);
      headers['content-encoding'] = 'gzip';
    }
    headers['content-length'] = String(payload.byteLength);
    return await this.#exchange(headers, payload, this.#agent);
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  /** `agent` false: on a connection of its own. */
  #exchange(headers: Record<string, string>, payload: Uint8Array, agent: http.Agent | false): Promise<SendResult> {
    const { url, timeoutMs } = this.#target;
    return new Promise((resolve) => {
      const request = context.with(suppressTracing(ROOT_CONTEXT), () =>
        this.#request(url, { method: 'POST', headers, agent, ...this.#certificates }),
      );
      const fail = (reason: string): void => {
        clearTimeout(timer);
        resolve({ kind: 'retryable', reason: `${withoutPassword(url)}: ${reason}` });
      };
      const timer = setTimeout(() => {
        request.destroy();
        fail(`no answer within ${timeoutMs} ms`);
      }, timeoutMs);
      timer.unref();
      request.on('socket', (socket) => socket.unref());
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (request.reusedSocket && error.code === 'ECONNRESET') {
          // The receiver may close an idle connection just when it is used again: no failure to speak of.
          clearTimeout(timer);
          resolve(this.#exchange(headers, payload, false));
        } else {
          fail(error.code ?? error.message);
        }
      });
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (text.length < QUOTED_CHARS) text += chunk.slice(0, QUOTED_CHARS);
        });
        const settle = (): void => {
          clearTimeout(timer);
          resolve(readAnswer(response, `${withoutPassword(url)}: HTTP ${response.statusCode} ${text}`.trim()));
        };
        response.on('end', settle);
        // The status was said; a body cut off changes nothing about it.
        response.on('error', settle);
      });
      request.end(payload);
    });
  }
}

function readAnswer(response: http.IncomingMessage, reason: string): SendResult {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (!RETRYABLE.has(status)) return { kind: 'refused', reason };
  return { kind: 'retryable', reason, retryAfterMs: readRetryAfter(response.headers['retry-after'], Date.now()) };
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

function readCertificates(target: OtlpTarget): https.AgentOptions {
  const options: https.AgentOptions = {};
  if (target.certificate !== undefined) options.ca = readFileSync(target.certificate);
  if (target.clientKey !== undefined) options.key = readFileSync(target.clientKey);
  if (target.clientCertificate !== undefined) options.cert = readFileSync(target.clientCertificate);
  return options;
}
