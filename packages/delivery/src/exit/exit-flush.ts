import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { DeliveryReport } from '../delivery-report.ts';
import type { LazySpool } from '../spool/lazy-spool.ts';
import type { ExitSource } from './exit-source.ts';

const load = createRequire(import.meta.url);
/** How long the end of a process may wait for a receiver that is not known to fail. */
const DELIVERY_MS = 1000;
/** How much of it for the answers to what is on its way: sent a second time it would be there twice. */
const ANSWERS_MS = 500;

/**
 * For exit handlers: tries for a second at most to deliver what the exporters still have, puts the rest on disk, and
 * gives the spool to the next process. Never throws.
 */
export function flushAtExit(sources: readonly ExitSource[], spool: LazySpool | undefined): void {
  const began = performance.now();
  const rest = sources
    .map((source) => source.takeRest(began + ANSWERS_MS))
    .flatMap(({ items, ...where }) => items.map((item) => ({ ...where, item })));
  const tried = isMainThread ? rest.filter(({ tryNow }) => tryNow) : [];
  const delivered = new Set<unknown>();
  if (tried.length > 0) {
    // Not import(): an exit handler cannot wait.
    const { deliverAtExit } = load('./exit-delivery.js') as typeof import('./exit-delivery.ts');
    const results = deliverAtExit(
      tried.map(({ target, item }) => ({ target, body: item.body })),
      DELIVERY_MS - (performance.now() - began),
    );
    for (const [at, isDelivered] of results.entries()) if (isDelivered) delivered.add(tried[at]?.item);
  }
  const left = rest.filter(({ item }) => !delivered.has(item));
  const open = left.length > 0 ? spool?.load() : spool?.current;
  const lost = open === undefined ? left : open.exit(left);
  for (const { signal, item } of lost) {
    const reason = open === undefined ? 'overflow' : 'disk';
    new DeliveryReport(signal).lost(reason, item.body.items, 'the process ended before they were delivered');
  }
}
