import type { InstrumentationConfig } from '@opentelemetry/instrumentation';

/** Options of every bridge. */
export interface BridgeConfig extends InstrumentationConfig {
  /** `runs` (default): lines written inside a run of a task; `all`: every line that the app prints. */
  readonly scope?: 'runs' | 'all';
}
