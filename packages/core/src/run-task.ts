import { context } from '@opentelemetry/api';
import { beginRun } from './begin-run.ts';
import { isArray } from './error-facts.ts';
import { IdleTask } from './idle-task.ts';
import { describeValue, reportOnce, safely } from './internal/report.ts';
import { settle } from './settle.ts';
import type { Task, TaskOptions, TaskStep } from './task.ts';

/**
 * Runs `fn` as one background task: a span, its metrics and its log, from start to end.
 *
 * @param operation bounded name of the work; missing or empty counts as `unknown`
 * @param fn the work; may be sync, async or return any thenable
 * @returns what `fn` returns; a thenable is adopted once and the derived promise returned
 * @throws what `fn` throws, unchanged; nothing else
 */
export function runTask<T>(operation: string, fn: (task: Task) => T, options?: TaskOptions): T {
  const task = beginRun(operation, options);
  if (task instanceof IdleTask) return fn(task);
  let value: T;
  try {
    // What is no function throws here what calling it throws, and not what the context manager makes of it.
    value =
      typeof fn === 'function'
        ? context.with(task.context, fn, undefined, task)
        : (fn as typeof runTask<T>)(operation, fn);
  } catch (error) {
    task.threw(error);
    throw error;
  }
  return settle(value, task);
}

/** Begins a task that the caller ends: `task.end()` belongs into a `finally`. */
export function startTask(operation: string, options?: TaskOptions): Task {
  return beginRun(operation, options);
}

/** What the steps return, in their order. */
export type StepResults<S extends readonly TaskStep[]> = {
  -readonly [K in keyof S]: Awaited<ReturnType<S[K]['run']>>;
};

/**
 * Runs steps in order, one at a time, as one task. Returns at once; the first step starts in a microtask.
 *
 * @returns a promise of the steps' results; `[]` for no steps
 * @throws (rejects with) what a failing step throws; the steps after it do not run
 */
export function runTaskSteps<const S extends readonly TaskStep[]>(
  operation: string,
  steps: S,
  options?: TaskOptions,
): Promise<StepResults<S>> {
  const list = checkSteps(steps);
  const task = beginRun(operation, options);
  const results = runInOrder(task, list) as Promise<StepResults<S>>;
  return task instanceof IdleTask ? results : settle(results, task);
}

async function runInOrder(task: Task, steps: readonly TaskStep[]): Promise<unknown[]> {
  await Promise.resolve();
  const results: unknown[] = [];
  for (const step of steps) {
    results.push(await task.run(() => task.step(step.name, (own) => step.run(own))));
  }
  return results;
}

function checkSteps(steps: unknown): readonly TaskStep[] {
  if (isArray(steps)) return safely('reading the steps', () => [...steps] as TaskStep[]) ?? [];
  reportOnce('steps', `steps must be an array of {name, run}, got ${describeValue(steps)}; there is nothing to do`);
  return [];
}
