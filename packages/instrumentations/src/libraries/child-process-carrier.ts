import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { context, type SpanContext, trace } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { ATTR, EVENT, SEVERITY } from '@taskspan/core';
import {
  currentRun,
  emitRecord,
  type RunEnvironment,
  type RunInfo,
  readSafely,
  runEnvironment,
  safely,
} from '@taskspan/core/hub';
import { patchMember } from '../base/patch-member.ts';
import { callThrough, type Interceptor, type LibraryCall } from '../base/wrapped-function.ts';
import type { LibrarySwitch } from '../library-entry.ts';
import { environmentWithRun, pairsWithRun } from './child-environment.ts';

/** Functions that wait for their child. */
const SYNC_FUNCTIONS = ['spawnSync', 'execFileSync', 'execSync'] as const;

type SyncFunction = (typeof SYNC_FUNCTIONS)[number];

/**
 * Hands the context of a run to the processes that it starts: `TRACEPARENT`, `TRACESTATE` and `TASKSPAN_TASK_ID` in their
 * environment, unless the caller has set a `TRACEPARENT` of its own. How such a process ended is one event in the log of
 * the run, `task.exited`, or `task.launch_failed`. Outside runs nothing changes.
 *
 * All that is not waited for goes through one method of `ChildProcess`, whoever took `spawn`, `exec` or `fork` and when;
 * what is waited for goes through a binding that nobody can reach, so those three functions are replaced.
 *
 * It needs nothing of OpenTelemetry's instrumentations, which take longer to load than all of this: register brings it
 * with the first run of a process.
 */
export class ChildProcessCarrier implements LibrarySwitch {
  private readonly undo: (() => void)[] = [];

  enable(): void {
    if (this.undo.length > 0) return;
    safely('hooking child_process', () => {
      // Functions of this very instance: another one waits in line, and takes over when this one is disabled.
      this.patch(childProcess.ChildProcess.prototype, 'spawn', (call) => interceptSpawn(call));
      for (const name of SYNC_FUNCTIONS) this.patch(childProcess, name, (call) => interceptSync(name, call));
      syncBuiltinESMExports();
    });
  }

  disable(): void {
    safely('unhooking child_process', () => {
      for (const undo of this.undo.splice(0)) undo();
      syncBuiltinESMExports();
    });
  }

  private patch(target: object, member: string, intercept: Interceptor): void {
    const patched = patchMember(target, member, { key: `child_process.${member}`, interceptor: intercept });
    if (patched !== undefined) this.undo.push(() => patched.undo());
  }
}

/** A process that a run starts. */
class Launch {
  readonly environment: RunEnvironment;
  private readonly run: RunInfo;
  private readonly spanContext: SpanContext | undefined;

  private constructor(run: RunInfo, environment: RunEnvironment) {
    this.run = run;
    this.environment = environment;
    this.spanContext = trace.getSpanContext(context.active());
  }

  /** Undefined outside any run, and after its end. */
  static within(): Launch | undefined {
    return safely('reading the run of a child process', () => {
      const run = currentRun();
      const environment = runEnvironment();
      return run === undefined || environment === undefined ? undefined : new Launch(run, environment);
    });
  }

  ended({ code, signal, ...facts }: ExitFacts): void {
    this.emit(EVENT.EXITED, code === 0 ? SEVERITY.info : SEVERITY.warn, {
      ...programFacts(facts),
      ...(typeof code === 'number' && { [ATTR.EXIT_CODE]: code }),
      ...(typeof signal === 'string' && signal !== '' && { [ATTR.EXIT_SIGNAL]: signal }),
    });
  }

  failed(errorCode: string, facts: ProgramFacts): void {
    this.emit(EVENT.LAUNCH_FAILED, SEVERITY.warn, { ...programFacts(facts), [ATTR.ERROR_TYPE]: errorCode });
  }

  private emit(
    eventName: typeof EVENT.EXITED | typeof EVENT.LAUNCH_FAILED,
    severity: number,
    attributes: Record<string, AnyValue>,
  ): void {
    emitRecord(this.run, { eventName, severity, attributes, spanContext: this.spanContext });
  }
}

interface ProgramFacts {
  /** The program's file, never its arguments. */
  readonly file?: unknown;
  readonly pid?: unknown;
}

interface ExitFacts extends ProgramFacts {
  readonly code: unknown;
  readonly signal: unknown;
}

function programFacts({ file, pid }: ProgramFacts): Record<string, AnyValue> {
  return {
    ...(typeof file === 'string' && file !== '' && { [ATTR.EXECUTABLE_NAME]: basename(file) }),
    ...(typeof pid === 'number' && pid > 0 && { [ATTR.PROCESS_ID]: pid }),
  };
}

/** The parts of a ChildProcess that are read. */
interface Child {
  readonly spawnfile?: unknown;
  readonly pid?: unknown;
  readonly _handle?: { onexit?: unknown } | null;
}

function interceptSpawn(call: LibraryCall): unknown {
  const launch = Launch.within();
  if (launch === undefined) return callThrough(call);
  const args = safely('handing a run to a child process', () => withPairs(call.args, launch.environment)) ?? call.args;
  const child = call.self as Child;
  safely('watching a child process', () => watchExit(child, launch));
  try {
    return callThrough({ ...call, args });
  } catch (error) {
    const code = readSafely(error, 'code');
    // Arguments that are none are the caller's affair: nothing was to be started yet.
    const isRefused = readSafely(error, 'syscall') !== undefined && typeof code === 'string';
    if (isRefused) safely('recording a child process', () => launch.failed(code, { file: child.spawnfile }));
    throw error;
  }
}

/** The caller's own object is neither changed nor kept. */
function withPairs([options, ...rest]: readonly unknown[], run: RunEnvironment): unknown[] {
  if (typeof options !== 'object' || options === null) return [options, ...rest];
  const { envPairs } = options as { readonly envPairs?: readonly string[] };
  if (envPairs !== undefined && !Array.isArray(envPairs)) return [options, ...rest];
  return [copied(options, { envPairs: pairsWithRun(envPairs, run) }), ...rest];
}

/**
 * Hears of the exit where Node hears of it. A listener would be seen by whoever counts them, and one for `error` would
 * silence an error that is to end the process.
 */
function watchExit(child: Child, launch: Launch): void {
  const handle = child._handle;
  const onexit = handle?.onexit;
  if (handle === null || handle === undefined || typeof onexit !== 'function') return;
  handle.onexit = function (this: unknown, ...args: unknown[]): unknown {
    const [code, signal] = args;
    safely('recording a child process', () => {
      const facts = { file: child.spawnfile, pid: child.pid };
      // Node reports a start that failed as an exit with the number of the system's error.
      if (typeof code === 'number' && code < 0) launch.failed(getSystemErrorName(code), facts);
      else launch.ended({ ...facts, code: signal ? undefined : code, signal });
    });
    return Reflect.apply(onexit, this, args);
  };
}

function interceptSync(name: SyncFunction, call: LibraryCall): unknown {
  const launch = Launch.within();
  if (launch === undefined) return callThrough(call);
  const args =
    safely('handing a run to a child process', () => withEnv(name, call.args, launch.environment)) ?? call.args;
  const file = safely('reading a command', () => programOf(name, call.args));
  let result: unknown;
  try {
    result = callThrough({ ...call, args });
  } catch (error) {
    // Both functions that throw give the error what `spawnSync` returns; without it, nothing was started.
    if (readSafely(error, 'status') !== undefined) record(launch, error, { file, error });
    throw error;
  }
  if (name === 'spawnSync') record(launch, result, { file, error: readSafely(result, 'error') });
  else record(launch, { status: 0 }, { file, error: undefined });
  return result;
}

function record(launch: Launch, result: unknown, { file, error }: { file: unknown; error: unknown }): void {
  safely('recording a child process', () => {
    const [status, signal, pid] = ['status', 'signal', 'pid'].map((key) => readSafely(result, key));
    const code = readSafely(error, 'code');
    const hasEnded = typeof status === 'number' || typeof signal === 'string';
    if (!hasEnded && typeof code === 'string') launch.failed(code, { file });
    else launch.ended({ file, pid, code: status, signal });
  });
}

/** As Node finds them: arguments may be left out. */
function optionsAt(name: SyncFunction, args: readonly unknown[]): number {
  if (name === 'execSync') return 1;
  const [, list] = args;
  return typeof list === 'object' && list !== null && !Array.isArray(list) ? 1 : 2;
}

function withEnv(name: SyncFunction, args: readonly unknown[], run: RunEnvironment): unknown[] {
  const at = optionsAt(name, args);
  const options = args[at] ?? {};
  // What Node refuses it must still refuse.
  if (typeof options !== 'object' || (name === 'spawnSync' && args[at] === null)) return [...args];
  const { env } = options as { readonly env?: unknown };
  const given = env || process.env;
  if (typeof given !== 'object') return [...args];
  const next = [...args];
  // Positions before it may be missing: what is not given must stay so.
  while (next.length < at) next.push(undefined);
  next[at] = copied(options, { env: environmentWithRun(given as Record<string, unknown>, run) });
  return next;
}

/** With a shell, the first argument is a whole command line, secrets included. */
function programOf(name: SyncFunction, args: readonly unknown[]): unknown {
  const shell = readSafely(args[optionsAt(name, args)], 'shell');
  if (typeof shell === 'string') return shell;
  if (name !== 'execSync' && !shell) return args[0];
  return process.platform === 'win32' ? 'cmd.exe' : 'sh';
}

function copied(options: object, changed: object): object {
  return Object.assign(Object.create(Object.getPrototypeOf(options) as object | null) as object, options, changed);
}
