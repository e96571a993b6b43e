import type { OtlpSignal, OtlpTarget } from '../otlp-config.ts';
import type { RequestBody, SendResult } from '../send-result.ts';
import { OtlpSender } from './otlp-sender.ts';

const EMPTY: Readonly<Record<OtlpSignal, string>> = {
  traces: '{"resourceSpans":[]}',
  metrics: '{"resourceMetrics":[]}',
  logs: '{"resourceLogs":[]}',
};

/**
 * Sends a request without anything in it, as data of this signal is sent: address, headers, certificates, compression
 * and encoding are the target's. Keeps the process alive until it is answered; never rejects.
 *
 * @returns what would become of data
 */
export async function probe(signal: OtlpSignal, target: OtlpTarget): Promise<SendResult> {
  const sender = new OtlpSender(signal, target);
  const isJson = target.protocol === 'http/json';
  const body: RequestBody = {
    // A protobuf message without fields has no bytes.
    bytes: Buffer.from(isJson ? EMPTY[signal] : ''),
    format: isJson ? 'json' : 'pb',
    gzip: false,
    items: 0,
  };
  // Its sockets and timers let a process end.
  const alive = setInterval(() => {}, 1000);
  try {
    return await sender.post(body, () => {});
  } finally {
    clearInterval(alive);
    await sender.close();
  }
}
