import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { readStatusSync } from '../exit/status-sync.ts';
import { type OtlpTarget, withoutPassword } from '../otlp-config.ts';
import type { RequestBody, SendResult } from '../send-result.ts';
import { packBody, unpackBody } from '../spool/packed-body.ts';
import { describeFault } from './connection-fault.ts';
import { readAnswer } from './otlp-answer.ts';

/** Of an answer, this much is read: more than any `partial_success` says. */
const ANSWER_BYTES = 64 * 1024;

/**
 * Posts OTLP bodies to one URL over kept-alive connections. One request, one answer: retrying is the queue's work.
 * Nothing here keeps the process alive, and no request is traced, whatever instrumentation the app has.
 */
export class HttpTransport {
  readonly #target: OtlpTarget;
  readonly #request: typeof http.request;
  readonly #agent: http.Agent;
  readonly #certificates: https.AgentOptions;
  /** Requests that have no answer yet, with whom to tell of a yes. */
  readonly #open = new Map<http.ClientRequest, () => void>();

  /** Throws when a certificate or key file cannot be read. */
  constructor(target: OtlpTarget) {
    this.#target = target;
    const secure = target.url.startsWith('https:');
    this.#request = secure ? https.request : http.request;
    this.#agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
    this.#certificates = secure ? readCertificates(target) : {};
  }

  /**
   * Posts one request; never rejects, and answers within the target's timeout.
   *
   * @param onAccepted called as soon as the status says yes, before the answer is read
   */
  async post(body: RequestBody, onAccepted: () => void = () => {}): Promise<SendResult> {
    let wanted: RequestBody;
    try {
      wanted = this.#target.compression === 'gzip' ? await packBody(body) : await unpackBody(body);
    } catch (error) {
      return { kind: 'refused', reason: `the request is damaged: ${String(error)}` };
    }
    const headers: Record<string, string> = {
      ...this.#target.headers,
      'user-agent': 'taskspan',
      'content-type': body.format === 'json' ? 'application/json' : 'application/x-protobuf',
      'content-length': String(wanted.bytes.byteLength),
    };
    if (wanted.gzip) headers['content-encoding'] = 'gzip';
    return await this.#exchange({ headers, payload: wanted.bytes, onAccepted }, this.#agent);
  }

  /**
   * For exit handlers: waits for the answers to what is on its way, and calls `onAccepted` for those who say yes.
   *
   * @param deadlineMs on the monotonic clock
   * @returns false when something stays unanswered
   */
  settleSync(deadlineMs: number): boolean {
    const open = [...this.#open];
    this.#open.clear();
    const statuses = open.map(([request, onAccepted]) => {
      const status = readStatusSync(request, deadlineMs);
      if (status !== undefined && status >= 200 && status < 300) onAccepted();
      return status;
    });
    return !statuses.includes(undefined);
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  /** `agent` false: on a connection of its own. */
  #exchange(call: Call, agent: http.Agent | false): Promise<SendResult> {
    const { url, timeoutMs } = this.#target;
    const { headers, payload, onAccepted } = call;
    return new Promise((resolve) => {
      const request = context.with(suppressTracing(ROOT_CONTEXT), () =>
        this.#request(url, { method: 'POST', headers, agent, ...this.#certificates }),
      );
      this.#open.set(request, onAccepted);
      const fail = (reason: string): void => {
        clearTimeout(timer);
        this.#open.delete(request);
        resolve({ kind: 'retryable', reason: `${withoutPassword(url)}: ${reason}` });
      };
      let settle: (() => void) | undefined;
      const timer = setTimeout(() => {
        request.destroy();
        // Where only the end of the answer is missing, what it says is known.
        if (settle !== undefined) settle();
        else fail(`no answer within ${timeoutMs} ms`);
      }, timeoutMs);
      timer.unref();
      request.on('socket', (socket) => socket.unref());
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (request.reusedSocket && error.code === 'ECONNRESET') {
          // The receiver may close an idle connection just when it is used again: no failure to speak of.
          clearTimeout(timer);
          this.#open.delete(request);
          resolve(this.#exchange(call, false));
        } else {
          fail(describeFault(error, url));
        }
      });
      request.on('response', (response) => {
        const status = response.statusCode ?? 0;
        this.#open.delete(request);
        if (status >= 200 && status < 300) onAccepted();
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          if (bytes < ANSWER_BYTES) chunks.push(chunk);
          bytes += chunk.byteLength;
        });
        settle = (): void => {
          clearTimeout(timer);
          const answer = {
            status,
            contentType: response.headers['content-type'],
            retryAfter: response.headers['retry-after'],
            body: Buffer.concat(chunks),
            url: withoutPassword(url),
          };
          resolve(readAnswer(answer, Date.now()));
        };
        response.on('end', settle);
        // The status was said; a body cut off changes nothing about it.
        response.on('error', settle);
      });
      request.end(payload);
    });
  }
}

/** One request as it goes out. */
interface Call {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  readonly onAccepted: () => void;
}

function readCertificates(target: OtlpTarget): https.AgentOptions {
  const options: https.AgentOptions = {};
  if (target.certificate !== undefined) options.ca = readFileSync(target.certificate);
  if (target.clientKey !== undefined) options.key = readFileSync(target.clientKey);
  if (target.clientCertificate !== undefined) options.cert = readFileSync(target.clientCertificate);
  return options;
}
