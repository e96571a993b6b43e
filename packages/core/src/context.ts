import { type Context, context, createContextKey } from '@opentelemetry/api';
import type { RunInfo } from './internal/state.ts';

/** Registered by name in the API, so that two copies of this package share it. */
const RUN_KEY = createContextKey('taskspan.run');

/** The run that a context belongs to (also after its end), or undefined outside any run. */
export function currentRun(from: Context = context.active()): RunInfo | undefined {
  return from.getValue(RUN_KEY) as RunInfo | undefined;
}

export function withRun(base: Context, run: RunInfo): Context {
  return base.setValue(RUN_KEY, run);
}
