import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { type LoggerProvider, logs } from '@opentelemetry/api-logs';
import { safely } from './internal/report.ts';
import { state } from './internal/state.ts';
import { SCOPE } from './names.ts';

/** What the API's proxy provider offers beside the public interface; stable since api 1.0. */
interface MaybeProxy extends TracerProvider {
  getDelegate?(): TracerProvider;
}

let knownProvider: TracerProvider | undefined;
let knownTracer: Tracer | undefined;
let knownLogs: LoggerProvider | undefined;
let logsAreKept = false;

/**
 * The tracer that makes task spans: our own provider's when this toolkit runs one, else the registered one. Undefined
 * when there is none, so that a task without an SDK costs next to nothing.
 */
export function activeTracer(): Tracer | undefined {
  const registered: MaybeProxy = state.tracerProvider ?? trace.getTracerProvider();
  const provider = registered.getDelegate === undefined ? registered : registered.getDelegate();
  if (provider !== knownProvider) {
    knownProvider = provider;
    knownTracer = isNoop(provider)
      ? undefined
      : safely('getting a tracer', () => provider.getTracer(SCOPE.name, SCOPE.version, { schemaUrl: SCOPE.schemaUrl }));
  }
  return knownTracer;
}

/** True when records of runs have somewhere to go. */
export function recordsAreKept(): boolean {
  if (state.sinks.length > 0) return true;
  // Where the toolkit runs, its sinks are all there is: without one, neither files nor a receiver want records.
  if (state.owner !== undefined) return false;
  const provider = logs.getLoggerProvider();
  if (provider !== knownLogs) {
    knownLogs = provider;
    logsAreKept = !isNoop(provider);
  }
  return logsAreKept;
}

function isNoop(provider: object): boolean {
  const { name } = provider.constructor;
  return name === 'NoopTracerProvider' || name === 'NoopLoggerProvider' || name === 'ProxyLoggerProvider';
}
