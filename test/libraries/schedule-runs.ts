import assert from 'node:assert/strict';
import type { Run } from './task-runs.ts';

/** Seconds since the epoch of the slot that a run belongs to; undefined for those that no clock began. */
export function slotOf({ startedAttributes }: Run): number | undefined {
  const slot = startedAttributes['task.scheduled_at'];
  return slot === undefined ? undefined : Number(slot);
}

/** Every second from the first slot to the last has a run or was counted as missed, and each run began in or after its slot. */
export function assertEverySecond(runs: readonly Run[], missed: number): void {
  const slots = runs.map(slotOf).map((slot) => slot ?? Number.NaN);
  const seconds = Math.max(...slots) - Math.min(...slots) + 1;
  assert.equal(runs.length + missed, seconds, `slots ${slots.join(', ')}`);
  assert.equal(new Set(slots).size, slots.length, 'no slot twice');
  for (const [at, run] of runs.entries()) {
    const lateMs = (run.span?.startMs ?? 0) - (slots[at] ?? 0) * 1000;
    assert.ok(lateMs > -20 && lateMs < 10_000, `${lateMs} ms late`);
  }
}

/** What tests of all schedulers compare. */
export function toldOf({ operation, status, errorType, attributes, kind }: Run): string {
  const { 'task.library': library, 'task.trigger': trigger } = attributes;
  return [library, trigger, kind, operation, status, errorType].filter((one) => one !== undefined).join(' ');
}

/** For an app: the event loop stands still, and the machine is free for other tests. */
export const BLOCK: string = 'const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);';

/** Both module systems, with the library as `lib`. */
export function bothSystems(library: string, body: string): Readonly<Record<string, string>> {
  return {
    'app.mjs': `import * as everything from '${library}';
const lib = { ...everything.default, ...everything };
${body}`,
    'app.cjs': `const lib = require('${library}');
(async () => {
${body}
})();`,
  };
}
