import { probe, type SendResult } from '@taskspan/delivery';
import { type DeliveryConfig, type OtlpSignal, type OtlpTarget, receiverOf } from '@taskspan/delivery/config';
import type { Finding } from './doctor-finding.ts';

const TOPIC = 'OTLP endpoint';
const SIGNALS: readonly OtlpSignal[] = ['traces', 'metrics', 'logs'];
/** Somebody waits for the answer. */
const LONGEST_WAIT_MS = 3000;

/** What became of an empty request of one signal. */
interface Answer {
  readonly signal: OtlpSignal;
  readonly receiver: string;
  readonly result: SendResult;
}

/** Sends an empty request of each signal as the application would, and says which are taken, and why others are not. */
export async function examineReceivers(delivery: DeliveryConfig): Promise<Finding[]> {
  const answers = await Promise.all(
    SIGNALS.flatMap((signal) => {
      const target = delivery[signal];
      return target === undefined ? [] : ask(signal, target);
    }),
  );
  const receivers = [...new Set(answers.map(({ receiver }) => receiver))];
  return receivers.flatMap((receiver) => judge(answers.filter((answer) => answer.receiver === receiver)));
}

async function ask(signal: OtlpSignal, target: OtlpTarget): Promise<Answer> {
  const timeoutMs = Math.min(target.timeoutMs, LONGEST_WAIT_MS);
  return { signal, receiver: receiverOf(target), result: await probe(signal, { ...target, timeoutMs }) };
}

/** One receiver: a line for what it takes, and one for each reason why it does not. */
function judge(answers: readonly Answer[]): Finding[] {
  const taken = answers.filter(({ result }) => result.kind === 'delivered');
  const findings: Finding[] = [];
  const [first] = taken;
  if (first !== undefined) {
    findings.push({ level: 'fine', topic: TOPIC, found: `${first.receiver} takes ${listOf(taken)}` });
  }
  const byCause = new Map<string, Answer[]>();
  for (const answer of answers) {
    if (answer.result.kind === 'delivered') continue;
    const cause = answer.result.reason.replace(/\/v1\/(traces|metrics|logs)\b/g, '');
    byCause.set(cause, [...(byCause.get(cause) ?? []), answer]);
  }
  for (const kept of byCause.values()) findings.push(broken(kept, taken.length > 0));
  return findings;
}

function broken(kept: readonly Answer[], takesOthers: boolean): Finding {
  const result = kept[0]?.result;
  const reason = result === undefined || result.kind === 'delivered' ? '' : result.reason;
  const isFinal = result?.kind === 'refused';
  const finding: Finding = {
    level: 'broken',
    topic: TOPIC,
    found: `${listOf(kept)} ${isFinal ? 'are refused for good' : 'cannot be delivered now'}: ${reason}`,
  };
  const names = kept.map(({ signal }) => signal.toUpperCase());
  if (takesOthers) {
    const off = names.map((name) => `OTEL_${name}_EXPORTER=none`).join(' ');
    const own = names.map((name) => `OTEL_EXPORTER_OTLP_${name}_ENDPOINT`).join(', ');
    return { ...finding, fix: `mend that, or set ${off}, or name another receiver by ${own}` };
  }
  // The reason says already what to look at.
  if (reason.includes('OTEL_EXPORTER_OTLP_')) return finding;
  if (isFinal) return { ...finding, fix: 'ask whoever runs the receiver why it takes no empty request' };
  return { ...finding, fix: 'start the collector, or mend OTEL_EXPORTER_OTLP_ENDPOINT' };
}

/** `traces, metrics and logs` */
function listOf(answers: readonly Answer[]): string {
  const names = answers.map(({ signal }) => signal);
  const last = names.pop();
  return names.length === 0 ? String(last) : `${names.join(', ')} and ${last}`;
}
