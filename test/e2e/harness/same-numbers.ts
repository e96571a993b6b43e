import assert from 'node:assert/strict';
import type { PrometheusQuery } from './prometheus-query.ts';
import type { PrometheusText, Sample } from './prometheus-text.ts';

/** Gauges of time move from one look to the next. */
const MOVING = /_oldest_running_seconds$|^taskspan_(spool|export)_|^target_info$/;

/** Labels that say who was asked, not what was counted. */
const WHO: ReadonlySet<string> = new Set(['job', 'instance']);

/** Throws unless Prometheus has, of one service, every series of an app's own `/metrics` with the same value, and none more. */
export async function assertSameNumbers(
  prometheus: PrometheusQuery,
  { service, own }: { readonly service: string; readonly own: PrometheusText },
): Promise<void> {
  const names = '(async|taskspan)_.*';
  const theirs = await prometheus.query(`{__name__=~"${names}",job=${JSON.stringify(service)}}`);
  assert.deepEqual(seriesOf(theirs), seriesOf(own.samples));
}

/** Values by name and labels, sorted. */
function seriesOf(samples: readonly Sample[]): Record<string, number> {
  const kept = samples.filter(({ name }) => !MOVING.test(name));
  return Object.fromEntries(kept.map((sample): [string, number] => [keyOf(sample), sample.value]).sort(byKey));
}

function keyOf({ name, labels }: Sample): string {
  const kept = Object.entries(labels).filter(([key]) => !WHO.has(key));
  // One writes a bound as 1, another as 1.0.
  const written = kept.map(
    ([key, value]) =>
      `${key}=${JSON.stringify(key === 'le' ? String(Number(value.replace('+Inf', 'Infinity'))) : value)}`,
  );
  return `${name}{${written.sort().join(',')}}`;
}

function byKey([one]: readonly [string, number], [other]: readonly [string, number]): number {
  return one < other ? -1 : 1;
}
