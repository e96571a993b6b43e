import { type Context, context, createContextKey, type Span, trace } from '@opentelemetry/api';
import { type RunInfo, state } from './internal/state.ts';

/** Registered by name in the API, so that two copies of this package share it. */
const RUN_KEY = createContextKey('taskspan.run');

/** The key under which the API keeps a context's span: asked of the API itself, which does not export it. */
const SPAN_KEY = spanKey();

function spanKey(): symbol {
  let found = RUN_KEY;
  const probe: Context = {
    getValue: () => undefined,
    setValue: (key) => {
      found = key;
      return probe;
    },
    deleteValue: () => probe,
  };
  trace.setSpan(probe, trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 }));
  return found;
}

/**
 * The context of a run: its base with the run and its span on top. The API's own context copies a Map and makes three
 * closures for each value that is set; a run sets two, and most runs never set a third.
 */
class RunContext implements Context {
  private readonly base: Context;
  private readonly run: RunInfo;
  private readonly span: Span;

  constructor(base: Context, run: RunInfo, span: Span) {
    // Never a chain: no run is left below, or a job that submits its own successor would keep every ancestor alive.
    this.base = base instanceof RunContext ? base.base : withoutRun(base);
    this.run = run;
    this.span = span;
  }

  getValue(key: symbol): unknown {
    if (key === RUN_KEY) return this.run;
    if (key === SPAN_KEY) return this.span;
    return this.base.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.flat().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.flat().deleteValue(key);
  }

  private flat(): Context {
    return trace.setSpan(this.base.setValue(RUN_KEY, this.run), this.span);
  }
}

/** A context made inside a run (with a child span, with baggage) holds that run by value. */
function withoutRun(base: Context): Context {
  return base.getValue(RUN_KEY) === undefined ? base : base.deleteValue(RUN_KEY);
}

/** The run that a context belongs to (also after its end), or undefined outside any run. */
export function currentRun(from: Context = context.active()): RunInfo | undefined {
  const { adopted } = state;
  if (adopted !== undefined) {
    // Looked for first: where its span is the active one, it is the innermost.
    const span = from.getValue(SPAN_KEY);
    const run = typeof span === 'object' && span !== null ? adopted.get(span) : undefined;
    if (run !== undefined) return run;
  }
  return from.getValue(RUN_KEY) as RunInfo | undefined;
}

/** The context in which a run's work runs. */
export function createRunContext(base: Context, run: RunInfo, span: Span): Context {
  return new RunContext(base, run, span);
}
