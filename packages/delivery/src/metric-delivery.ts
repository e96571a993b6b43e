import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { SCOPE } from '@taskspan/core';
import { safely } from '@taskspan/core/hub';
import { DeliveryReport } from './delivery-report.ts';
import type { ExitRest } from './exit/exit-source.ts';
import { OtlpSender } from './otlp/otlp-sender.ts';
import type { OtlpTarget, TemporalityPreference } from './otlp-config.ts';
import type { Failure, Post, RequestBody, SendResult } from './send-result.ts';
import { jsonHalves } from './spool/json-halves.ts';
import type { LazySpool } from './spool/lazy-spool.ts';
import type { SpoolItem } from './spool/spool-item.ts';

export interface MetricDeliveryOptions {
  readonly temporality: TemporalityPreference;
  /** Milliseconds for which one push is tried. */
  readonly timeoutMs: number;
  readonly spool: LazySpool | undefined;
  /** All totals as they are, for the end of the process. */
  readonly totals: (() => ResourceMetrics) | undefined;
}

const FIRST_RETRY_MS = 1000;

/**
 * Sends what a push collected. Of cumulative metrics only the last push counts: it replaces all before it, on disk too,
 * since stores refuse points that are older than what they have. Deltas are kept all, in order.
 */
export class MetricDelivery {
  readonly #sender: OtlpSender<'metrics'>;
  readonly #options: MetricDeliveryOptions;
  readonly #report = new DeliveryReport('metrics');
  /** Neither the receiver nor the disk has them. */
  readonly #underWay = new Set<SpoolItem>();
  #nextOrdinal = 0;
  #deliveredOrdinal = -1;
  /** How far the counters had come, taken together, by the last push. */
  #pushedCount = 0;
  #isFailing = false;

  constructor(target: OtlpTarget, options: MetricDeliveryOptions) {
    this.#sender = new OtlpSender('metrics', target);
    this.#options = options;
    const { receiver } = this.#sender;
    const post: Post = (body, onAccepted) => this.#sender.post(body, onAccepted);
    options.spool?.connect({ report: this.#report, post, receiver });
  }

  /**
   * Sends one collection, or keeps it for later. Never rejects.
   *
   * @param over aborted when somebody waits for the push: then one failed attempt is enough
   */
  async deliver(metrics: ResourceMetrics, over: AbortSignal): Promise<void> {
    let points = 0;
    for (const scope of metrics.scopeMetrics) for (const metric of scope.metrics) points += metric.dataPoints.length;
    let body: RequestBody | undefined;
    try {
      body = this.#sender.encode(metrics, points);
    } catch (error) {
      this.#report.refused(points, `they could not be encoded: ${String(error)}`, undefined);
    }
    if (body === undefined) return;
    this.#pushedCount = countOf(metrics);
    const item = this.#itemOf(body);
    this.#underWay.add(item);
    if (this.#isCumulative) await this.#deliverTotals(item, over);
    else await this.#deliverDeltas(item, over);
    this.#underWay.delete(item);
  }

  /**
   * For exit handlers, see `ExitSource`: the last push, or all deltas, that are under way; and the totals if they have
   * changed since.
   */
  takeRest(deadlineMs: number): ExitRest {
    const isAnswered = this.#sender.settleSync(deadlineMs);
    const items = [...this.#underWay];
    this.#underWay.clear();
    const newest = this.#newestTotals();
    return {
      signal: 'metrics',
      target: this.#sender.target,
      tryNow: isAnswered && !this.#isFailing,
      // The last push may say more: it has the application's own metrics too.
      items: this.#isCumulative ? [...items.slice(-1), ...newest] : items,
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
    let points = 0;
    for (const scope of metrics.scopeMetrics) for (const metric of scope.metrics) points += metric.dataPoints.length;
    const body = safely('encoding the last totals', () => this.#sender.encode(metrics, points));
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

  async #deliverTotals(item: SpoolItem, over: AbortSignal): Promise<void> {
    const { spool } = this.#options;
    const result = await this.#tryFor(item, over, async (reason) => {
      const others = spool === undefined ? '' : ` What else is for this receiver is kept ${spool.place}`;
      this.#report.waiting(reason, `until the next push, which says it all.${others}`);
      // A push that was begun later may have been faster.
      const isKept = this.#deliveredOrdinal < item.ordinal && (await spool?.load()?.putLast(item)) === true;
      if (isKept) this.#underWay.delete(item);
      return false;
    });
    if (result.kind === 'delivered') this.#deliveredOrdinal = Math.max(this.#deliveredOrdinal, item.ordinal);
    if (this.#deliveredOrdinal >= item.ordinal) spool?.current?.dropLast();
    await this.#account(item, result);
  }

  async #deliverDeltas(item: SpoolItem, over: AbortSignal): Promise<void> {
    const { spool } = this.#options;
    const before = spool?.opened('metrics');
    if (before?.isEmpty === false && (await before.put(item))) {
      before.wake();
      return;
    }
    let isSpooled = false;
    const result = await this.#tryFor(item, over, async (reason, failure) => {
      this.#report.waiting(reason, spool?.place ?? 'and retried until the next push');
      const own = spool?.open('metrics');
      isSpooled = (await own?.put(item)) ?? false;
      own?.wake(failure);
      return isSpooled;
    });
    if (isSpooled) return;
    await this.#account(item, result);
    if (result.kind === 'retryable') {
      this.#report.lost('overflow', item.body.items, `the next push was due and ${result.reason}`);
    }
  }

  /**
   * Tries until the time of this push is over, or until somebody flushes.
   *
   * @param onFailure called at the first failure; true ends it
   */
  async #tryFor(item: SpoolItem, over: AbortSignal, onFailure: OnFailure): Promise<SendResult> {
    const deadline = performance.now() + this.#options.timeoutMs;
    let isFirst = true;
    for (let waitMs = FIRST_RETRY_MS; ; waitMs *= 2) {
      const result = await this.#post(item.body, () => this.#underWay.delete(item));
      this.#isFailing = result.kind === 'retryable';
      if (result.kind !== 'retryable') return result;
      if (isFirst && (await onFailure(result.reason, result))) return result;
      isFirst = false;
      if (over.aborted) return result;
      const nextMs = Math.max(waitMs * (0.75 + Math.random() / 2), result.retryAfterMs ?? 0);
      if (result.misconfigured === true || performance.now() + nextMs >= deadline) return result;
      try {
        await sleep(nextMs, undefined, { ref: false, signal: over });
      } catch {
        // Somebody flushes: the wait is over, and so is this push.
        return result;
      }
    }
  }

  /** Posts it whole, or in halves when it is too large. Points that are sent twice say the same twice. */
  async #post(body: RequestBody, onAccepted: () => void): Promise<SendResult> {
    const result = await this.#sender.post(body, onAccepted);
    const parts = result.kind === 'too large' ? jsonHalves(body) : undefined;
    if (parts === undefined) return result;
    const [first, second] = parts;
    const begun = await this.#post(first, () => {});
    return begun.kind === 'delivered' ? await this.#post(second, onAccepted) : begun;
  }

  async #account(item: SpoolItem, result: SendResult): Promise<void> {
    if (result.kind === 'delivered') this.#report.accepted(result);
    if (result.kind !== 'refused' && result.kind !== 'too large') return;
    const keptIn = await this.#options.spool?.open('metrics')?.setAside(item.body);
    this.#report.refused(item.body.items, result.reason, keptIn);
  }
}

type OnFailure = (reason: string, failure: Failure) => Promise<boolean>;

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
