import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { SCOPE } from '@taskspan/core';
import { safely } from '@taskspan/core/hub';
import { DeliveryReport } from './delivery-report.ts';
import type { ExitRest } from './exit/exit-source.ts';
import { OtlpSender } from './otlp/otlp-sender.ts';
import type { OtlpTarget, TemporalityPreference } from './otlp-config.ts';
import type { Failure, Post, RequestBody, SendResult } from './send-result.ts';
import { halvesOf } from './spool/body-halves.ts';
import type { LazySpool } from './spool/lazy-spool.ts';
import type { SignalSpool } from './spool/signal-spool.ts';
import type { SpoolItem } from './spool/spool-item.ts';

export interface MetricDeliveryOptions {
  readonly temporality: TemporalityPreference;
  /** Milliseconds for which one push is tried. */
  readonly timeoutMs: number;
  readonly spool: LazySpool | undefined;
  /** All totals as they are, for the end of the process. */
  readonly totals: (() => ResourceMetrics) | undefined;
}

/** One push under way. */
interface Push {
  readonly whole: SpoolItem;
  /** What neither the receiver nor the disk has of it, in order: one at first, more when it was too large. */
  readonly parts: SpoolItem[];
  /** Whether the receiver took any of it. */
  isTaken: boolean;
}

const FIRST_RETRY_MS = 1000;
/** A receiver may ask us to wait so long, and no longer. */
const LONGEST_ASKED_MS = 300_000;

/**
 * Sends what a push collected. Of cumulative metrics only the last push counts: it replaces all before it, on disk too,
 * since stores refuse points that are older than what they have. Deltas are kept all, in order.
 */
export class MetricDelivery {
  readonly #sender: OtlpSender<'metrics'>;
  readonly #options: MetricDeliveryOptions;
  readonly #report = new DeliveryReport('metrics');
  /** What neither the receiver nor the disk has. */
  readonly #underWay = new Set<Push>();
  #newest: Push | undefined;
  /** What the receiver said when it asked us to wait, and until when, on the monotonic clock. */
  #asked: { readonly failure: Failure; readonly untilMs: number } | undefined;
  #nextOrdinal = 0;
  #deliveredOrdinal = -1;
  /** How far the counters had come, taken together, by the last push. */
  #pushedCount = 0;
  #isFailing = false;

  constructor(target: OtlpTarget, options: MetricDeliveryOptions) {
    this.#sender = new OtlpSender('metrics', target);
    this.#options = options;
    const { receiver } = this.#sender;
    const post: Post = (body, onAccepted) => this.#send(body, onAccepted);
    options.spool?.connect({ report: this.#report, post, receiver });
  }

  /**
   * Sends one collection, or keeps it for later. Never rejects.
   *
   * @param over aborted when somebody waits for the push: then one failed attempt is enough
   */
  async deliver(metrics: ResourceMetrics, over: AbortSignal): Promise<void> {
    const points = pointsOf(metrics);
    let body: RequestBody | undefined;
    try {
      body = this.#sender.encode(metrics, points);
    } catch (error) {
      this.#report.refused(points, `they could not be encoded: ${String(error)}`, undefined);
    }
    if (body === undefined) return;
    this.#pushedCount = countOf(metrics);
    const whole = this.#itemOf(body);
    const push: Push = { whole, parts: [whole], isTaken: false };
    this.#newest = push;
    this.#underWay.add(push);
    if (this.#isCumulative) await this.#deliverTotals(push, over);
    else await this.#deliverDeltas(push, over);
    this.#underWay.delete(push);
  }

  /**
   * For exit handlers, see `ExitSource`: the last push that is under way, or what was not taken of all deltas; and the
   * totals if they have changed since.
   */
  takeRest(deadlineMs: number): ExitRest {
    const isAnswered = this.#sender.settleSync(deadlineMs);
    const pushes = [...this.#underWay];
    this.#underWay.clear();
    const newest = this.#newestTotals();
    return {
      signal: 'metrics',
      target: this.#sender.target,
      tryNow: isAnswered && !this.#isFailing && this.#askedToWait() === undefined,
      // The last push may say more: it has the application's own metrics too.
      items: this.#isCumulative
        ? [...pushes.slice(-1).map(({ whole }) => whole), ...newest]
        : pushes.flatMap(({ parts }) => parts),
    };
  }

  async close(): Promise<void> {
    await this.#sender.close();
  }

  #newestTotals(): readonly SpoolItem[] {
    const { totals } = this.#options;
    if (totals === undefined || !this.#isCumulative) return [];
    const metrics = totals();
    if (countOf(metrics) === this.#pushedCount) return [];
    const body = safely('encoding the last totals', () => this.#sender.encode(metrics, pointsOf(metrics)));
    return body === undefined ? [] : [this.#itemOf(body)];
  }

  #itemOf(body: RequestBody): SpoolItem {
    const item: SpoolItem = { ordinal: this.#nextOrdinal, createdMs: Date.now(), body, last: this.#isCumulative };
    this.#nextOrdinal += Math.max(1, body.items);
    return item;
  }

  get #isCumulative(): boolean {
    return this.#options.temporality === 'cumulative';
  }

  async #deliverTotals(push: Push, over: AbortSignal): Promise<void> {
    const { spool } = this.#options;
    const { whole } = push;
    const failure = await this.#tryFor(push, over, async ({ reason }) => {
      const others = spool === undefined ? '' : ` What else is for this receiver is kept ${spool.place}`;
      this.#report.waiting(reason, `until the next push, which says it all.${others}`);
      // A push that was begun later may have been faster.
      const isKept = this.#deliveredOrdinal < whole.ordinal && (await spool?.load()?.putLast(whole)) === true;
      if (isKept) this.#underWay.delete(push);
      return false;
    });
    if (failure === undefined && push.isTaken) {
      this.#deliveredOrdinal = Math.max(this.#deliveredOrdinal, whole.ordinal);
    }
    if (this.#deliveredOrdinal >= whole.ordinal) spool?.current?.dropLast();
  }

  async #deliverDeltas(push: Push, over: AbortSignal): Promise<void> {
    const { spool } = this.#options;
    const before = spool?.opened('metrics');
    if (before?.isEmpty === false && (await putParts(push, before))) {
      before.wake();
      return;
    }
    const failure = await this.#tryFor(push, over, async (first) => {
      this.#report.waiting(first.reason, spool?.place ?? 'and retried until the next push');
      const own = spool?.open('metrics');
      const isKept = own !== undefined && (await putParts(push, own));
      own?.wake(first);
      return isKept;
    });
    if (failure === undefined || push.parts.length === 0) return;
    const items = push.parts.reduce((sum, { body }) => sum + body.items, 0);
    this.#report.lost('overflow', items, `the next push was due and ${failure.reason}`);
  }

  /**
   * Tries until the time of this push is over, or until somebody flushes. While the receiver wants us to wait it is not
   * tried at all, but for once when somebody flushes.
   *
   * @param onFailure called when it cannot be delivered now, once; true ends it
   * @returns why it was not delivered in the end; undefined when the receiver has answered to all of it
   */
  async #tryFor(push: Push, over: AbortSignal, onFailure: OnFailure): Promise<Failure | undefined> {
    const deadline = performance.now() + this.#options.timeoutMs;
    let isTried = false;
    let isKnown = false;
    for (let waitMs = FIRST_RETRY_MS; ; ) {
      const asked = over.aborted ? undefined : this.#askedToWait();
      const failure = asked ?? (await this.#post(push));
      if (failure === undefined) return undefined;
      isTried ||= asked === undefined;
      if (!isKnown && (await onFailure(failure))) return failure;
      isKnown = true;
      let nextMs = Math.min(failure.retryAfterMs ?? 0, LONGEST_ASKED_MS);
      const restMs = deadline - performance.now();
      if (isTried) {
        nextMs = Math.max(nextMs, waitMs * (0.75 + Math.random() / 2));
        waitMs *= 2;
        if (over.aborted || failure.misconfigured === true || nextMs >= restMs) return failure;
      } else if (restMs <= 0) {
        return failure;
      }
      try {
        await sleep(Math.min(nextMs, Math.max(restMs, 0)), undefined, { ref: false, signal: over });
      } catch {
        // Somebody flushes: the wait is over. What a later push says better needs no attempt of its own.
        if (isTried || (this.#isCumulative && this.#newest !== push)) return failure;
      }
    }
  }

  /**
   * Posts what is left of a push, in halves where it is too large, and sets aside what is refused.
   *
   * @returns why it did not get to the end; undefined when nothing is left
   */
  async #post(push: Push): Promise<Failure | undefined> {
    const { parts } = push;
    for (let [part] = parts; part !== undefined; [part] = parts) {
      const { body } = part;
      let isAccepted = false;
      const result = await this.#send(body, () => {
        isAccepted = true;
        this.#leave(push);
      });
      this.#isFailing = result.kind === 'retryable';
      if (result.kind === 'delivered') {
        if (!isAccepted) this.#leave(push);
        push.isTaken = true;
        this.#report.accepted(result);
        continue;
      }
      if (result.kind === 'retryable') return result;
      const halves = result.kind === 'too large' ? halvesOf(body, 'metrics') : undefined;
      if (halves === undefined) {
        const keptIn = await this.#options.spool?.open('metrics')?.setAside(body);
        this.#report.refused(body.items, result.reason, keptIn);
        this.#leave(push);
      } else {
        const [first, second] = halves;
        const ordinal = part.ordinal + Math.max(1, first.items);
        parts.splice(0, 1, { ...part, body: first }, { ...part, body: second, ordinal });
      }
    }
    return undefined;
  }

  /** The receiver has said its last word about the first part that is left. */
  #leave(push: Push): void {
    push.parts.shift();
    if (push.parts.length === 0) this.#underWay.delete(push);
  }

  /** All that is posted, also from the disk: the receiver's wish to wait is kept in mind. */
  async #send(body: RequestBody, onAccepted: () => void): Promise<SendResult> {
    const result = await this.#sender.post(body, onAccepted);
    if (result.kind === 'delivered') this.#asked = undefined;
    if (result.kind === 'retryable' && result.retryAfterMs !== undefined && result.retryAfterMs > 0) {
      const untilMs = performance.now() + Math.min(result.retryAfterMs, LONGEST_ASKED_MS);
      this.#asked = { failure: result, untilMs };
    }
    return result;
  }

  /** What the receiver said, with the milliseconds that are left of the wait; undefined when there is none. */
  #askedToWait(): Failure | undefined {
    if (this.#asked === undefined) return undefined;
    const retryAfterMs = this.#asked.untilMs - performance.now();
    return retryAfterMs > 0 ? { ...this.#asked.failure, retryAfterMs } : undefined;
  }
}

type OnFailure = (failure: Failure) => Promise<boolean>;

/** Puts all that is left of a push on disk. @returns false when the disk did not take all */
async function putParts({ parts }: Push, spool: SignalSpool): Promise<boolean> {
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    // From here on it is the spool's, also at the end of the process.
    if (await spool.put(part)) continue;
    parts.unshift(part);
    return false;
  }
  return true;
}

function pointsOf({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) for (const metric of metrics) points += metric.dataPoints.length;
  return points;
}

/** Sum of all counters of this toolkit: alike only when none has moved. */
function countOf({ scopeMetrics }: ResourceMetrics): number {
  let count = 0;
  for (const { scope, metrics } of scopeMetrics) {
    if (scope.name !== SCOPE.name) continue;
    for (const metric of metrics) {
      if (!('isMonotonic' in metric) || !metric.isMonotonic) continue;
      for (const { value } of metric.dataPoints) count += Number(value);
    }
  }
  return count;
}
