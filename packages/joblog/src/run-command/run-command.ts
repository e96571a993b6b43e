import { type ChildProcess, spawn } from 'node:child_process';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { ATTR, EVENT, SEVERITY } from '@taskspan/core';
import {
  currentRun,
  emitRecord,
  type LibraryRun,
  type RecordContent,
  type RunInfo,
  reportOnce,
  runEnvironment,
  startLibraryRun,
  state,
  wallMs,
} from '@taskspan/core/hub';
import { OutputLog } from '../collect/output-log.ts';
import { type CheckedOptions, checkCommand } from './checked-options.ts';
import { type CommandEnd, type CommandOutcome, commandOutcome, programName } from './command-end.ts';
import { commandEnvironment } from './command-environment.ts';
import type { CommandResult, Foreground, RunCommandOptions } from './command-options.ts';
import { ForcedEnd } from './forced-end.ts';
import { type OutputPipes, openOutputPipes } from './output-pipe.ts';
import { OutputRelay } from './output-relay.ts';
import { endedChildrenSeconds } from './process-tree.ts';
import { ResourceWatch } from './resource-watch.ts';
import { RunShow } from './run-show.ts';
import { shownOutput } from './shown-output.ts';
import { SignalRelay } from './signal-relay.ts';

/**
 * Runs a program as a task: a span around it, each line that it prints an entry of the run's log, its resource use as
 * heartbeats, and its manifest at the end. It needs the toolkit in this process (`taskspan/register` or `start()`) to
 * keep any of that; without, the program runs all the same.
 *
 * @param command program and arguments; no shell is involved
 * @returns how it ended, once all that it printed is in the log; a program that fails or cannot be launched is a
 *   result, too
 * @throws TypeError (as a rejection) when `command` or an option is not what it should be
 */
export async function runCommand(command: readonly string[], options: RunCommandOptions = {}): Promise<CommandResult> {
  const { interruptedBy: _, ...result } = await superviseCommand(command, options);
  return result;
}

/** What `taskspan run` learns besides. */
export interface SupervisedResult extends CommandResult {
  /** The signal that came after the command's end, while output was still being passed on: nobody waits for the rest. */
  readonly interruptedBy: NodeJS.Signals | undefined;
}

/**
 * The same for a process that exists for this command alone.
 *
 * @param foreground undefined: the command is one of many things that this process does
 */
export async function superviseCommand(
  command: readonly string[],
  options: RunCommandOptions,
  foreground?: Foreground,
): Promise<SupervisedResult> {
  const checked = checkCommand(command, options);
  // From here on no signal ends this process before its command.
  const signals = foreground === undefined ? undefined : new SignalRelay();
  try {
    const pipes = await (foreground?.pipes ?? openOutputPipes());
    return await new CommandRun(checked, { foreground, signals, pipes }).result();
  } finally {
    signals?.stop();
  }
}

interface Surroundings {
  readonly foreground: Foreground | undefined;
  readonly signals: SignalRelay | undefined;
  readonly pipes: OutputPipes;
}

/** How the process of a command ended. */
interface Exit {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Epoch milliseconds. */
  readonly timeMs: number;
  readonly durationSeconds: number;
}

/** One command from its start to the last line of its log. */
class CommandRun {
  readonly #options: CheckedOptions;
  readonly #around: Surroundings;
  /** Undefined when nothing keeps runs. */
  readonly #run: LibraryRun | undefined;
  readonly #info: RunInfo | undefined;
  readonly #log: OutputLog | undefined;
  readonly #deadlineMs: number | undefined;
  readonly #show: RunShow;
  #interruptedBy: NodeJS.Signals | undefined;
  readonly #startMs = wallMs();
  readonly #childSecondsBefore = endedChildrenSeconds();

  constructor(options: CheckedOptions, around: Surroundings) {
    const { timeoutMs, onTimeout, label, id, outputs, maxLinesPerSecond } = options;
    this.#options = options;
    this.#show = new RunShow(options.show ? shownOutput() : undefined);
    this.#around = around;
    this.#deadlineMs = timeoutMs === undefined || onTimeout === 'kill' ? undefined : this.#startMs + timeoutMs;
    this.#run = startLibraryRun(options.operation, {
      id,
      label,
      outputs: outputs.length === 0 ? undefined : outputs,
      deadline: this.#deadlineMs,
      // Its process is too short-lived to be asked for numbers.
      own: around.foreground === undefined ? undefined : { [ATTR.TASK_METRICS]: 'files' },
    });
    if (this.#run === undefined && around.foreground === undefined) reportOnce('runCommand.unkept', UNKEPT);
    this.#info = this.#run === undefined ? undefined : currentRun(this.#run.context);
    this.#log = this.#info === undefined ? undefined : new OutputLog(this.#info, { label, maxLinesPerSecond });
  }

  async result(): Promise<SupervisedResult> {
    let child: LaunchedProcess;
    try {
      child = await this.#launch();
    } catch (error) {
      return this.#notLaunched(error as NodeJS.ErrnoException);
    }
    return this.#launched(child);
  }

  /** @throws what kept the program from being started */
  async #launch(): Promise<LaunchedProcess> {
    const { program, args, env, cwd } = this.#options;
    const { foreground, pipes, signals } = this.#around;
    const run = this.#info && { info: this.#info, variables: this.#run && runEnvironment(this.#run.context) };
    try {
      // Outside of every run: this one says itself what is to be said of the process.
      const child = context.with(ROOT_CONTEXT, () =>
        spawn(program, args, {
          stdio: [foreground === undefined ? 'ignore' : 'inherit', ...pipes.stdio],
          env: commandEnvironment(env, run),
          cwd,
          windowsHide: true,
        }),
      );
      const launched = new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.on('error', reject);
      });
      if (child.pid !== undefined) signals?.attach(child.pid);
      await launched;
      return child as LaunchedProcess;
    } catch (error) {
      pipes.close();
      throw error;
    }
  }

  #notLaunched(error: NodeJS.ErrnoException): SupervisedResult {
    const exit = { exitCode: undefined, signal: undefined, timeMs: wallMs(), durationSeconds: 0 };
    const outcome = commandOutcome({ ...this.#facts(exit), launchError: error });
    this.#emit({
      eventName: EVENT.LAUNCH_FAILED,
      severity: SEVERITY.error,
      body: error.message,
      attributes: {
        ...this.#program(),
        [ATTR.EXIT_CATEGORY]: outcome.category,
        [ATTR.ERROR_TYPE]: outcome.errorType,
      },
    });
    this.#end(outcome, exit);
    return this.#told(outcome, exit, undefined);
  }

  async #launched(child: LaunchedProcess): Promise<SupervisedResult> {
    const began = performance.now();
    this.#emit({
      eventName: EVENT.LAUNCHED,
      severity: SEVERITY.info,
      attributes: { [ATTR.PROCESS_ID]: child.pid, ...this.#program() },
    });
    const watch = new ResourceWatch(child.pid, {
      heartbeatMs: this.#options.heartbeatMs,
      onHeartbeat: (attributes) => this.#emit({ eventName: EVENT.HEARTBEAT, severity: SEVERITY.info, attributes }),
    });
    const end = new ForcedEnd(child.pid, this.#options);
    const relay = new OutputRelay(this.#around.pipes.streamsOf(child), this.#targets());
    const exit = await exitOf(child, began);
    end.exited();
    const used = watch.stop(this.#usedSeconds());
    await this.#interruptible(relay, exit);
    const outcome = commandOutcome({ ...this.#facts(exit), timedOut: end.isTimeout, aborted: end.isAbort });
    // Who wanted an end gets it, also when nobody takes what was printed.
    const isWanted = outcome.category === 'timeout' || outcome.status === 'cancelled';
    const { drainMs } = this.#options;
    const patience = isWanted ? setTimeout(() => this.#show.giveUp(), drainMs) : undefined;
    const [isDrained] = await Promise.all([relay.drained(drainMs), end.finished()]);
    this.#log?.end();
    if (!isDrained) this.#emit({ severity: SEVERITY.warn, body: STILL_OPEN });
    this.#emit({
      eventName: EVENT.EXITED,
      severity: outcome.status === 'failure' ? SEVERITY.error : SEVERITY.info,
      timeMs: exit.timeMs,
      attributes: {
        [ATTR.PROCESS_ID]: child.pid,
        ...(exit.exitCode === undefined ? {} : { [ATTR.EXIT_CODE]: exit.exitCode }),
        ...(exit.signal === undefined ? {} : { [ATTR.EXIT_SIGNAL]: exit.signal }),
        [ATTR.EXIT_CATEGORY]: outcome.category,
        ...used,
      },
    });
    this.#end(outcome, exit);
    await this.#show.flushed();
    clearTimeout(patience);
    return this.#told(outcome, exit, this.#interruptedBy);
  }

  #targets(): ConstructorParameters<typeof OutputRelay>[1] {
    const { foreground } = this.#around;
    return {
      keep: (stream, chunk) => {
        this.#log?.take(stream, chunk);
        foreground?.written();
        return state.logRoom?.();
      },
      show: (stream, chunk) => this.#show.write(stream, chunk),
    };
  }

  /** After the exit, a signal is for this process: what still holds it up is given up. */
  async #interruptible(relay: OutputRelay, { signal }: Exit): Promise<void> {
    await this.#around.signals?.detach(signal, (late) => {
      this.#interruptedBy = late;
      this.#show.giveUp();
      relay.hurry(HURRY_MS);
    });
  }

  /** Known to the hundredth of a second where all children of this process belong to the command. */
  #usedSeconds(): number | undefined {
    const before = this.#childSecondsBefore;
    const now = endedChildrenSeconds();
    if (this.#around.foreground === undefined || before === undefined || now === undefined) return undefined;
    return Math.round((now - before) * 100) / 100;
  }

  #facts(exit: Exit): CommandEnd {
    return {
      exitCode: exit.exitCode,
      signal: exit.signal,
      launchError: undefined,
      timedOut: false,
      aborted: false,
      received: this.#around.signals?.received ?? NO_SIGNALS,
      late: this.#deadlineMs !== undefined && exit.timeMs > this.#deadlineMs,
    };
  }

  #program(): Record<string, AnyValue> {
    const { program, outputs } = this.#options;
    return {
      [ATTR.EXECUTABLE_NAME]: programName(program),
      ...(outputs.length === 0 ? {} : { [ATTR.TASK_OUTPUTS]: [...outputs] }),
    };
  }

  /** Writes one record of the run, in a line of its own. */
  #emit(content: RecordContent): void {
    if (this.#info === undefined) return;
    const { label } = this.#options;
    const labelled = label === undefined || content.eventName === undefined ? {} : { [ATTR.TASK_LABEL]: label };
    emitRecord(this.#info, { ...content, attributes: { ...content.attributes, ...labelled }, isAlone: true });
    this.#around.foreground?.written();
  }

  /** Ends the run, and tells what it has read and made. */
  #end(outcome: CommandOutcome, exit: Exit): void {
    const run = this.#run;
    if (run === undefined || this.#log === undefined) return;
    const { outputs, inputs, label } = this.#options;
    const startSeconds = (this.#info?.startTimeMs ?? this.#startMs) / 1000;
    const manifest = this.#log.manifest.content({
      outputs,
      inputs,
      label,
      startSeconds,
      endSeconds: exit.timeMs / 1000,
    });
    for (const output of made(manifest)) if (!outputs.includes(output)) run.addOutput(output);
    const { status, errorType } = outcome;
    // Nobody can claim that: it is what the run itself finds, after its deadline.
    if (status === 'expired') run.end();
    else if (status !== 'orphaned') run.report({ status, errorType });
    this.#emit(manifest);
  }

  #told(outcome: CommandOutcome, exit: Exit, interruptedBy: NodeJS.Signals | undefined): SupervisedResult {
    const { status, category, errorType, shellStatus } = outcome;
    const { exitCode, signal, durationSeconds } = exit;
    const id = this.#info?.id ?? this.#options.id;
    return { id, status, category, exitCode, signal, errorType, shellStatus, durationSeconds, interruptedBy };
  }
}

type LaunchedProcess = ChildProcess & { readonly pid: number };

const NO_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set();

const UNKEPT =
  'runCommand() leaves no log: nothing in this process keeps runs; call start(), or load taskspan/register, before it';

/** For reading what is in the pipes already, when somebody wants an end. */
const HURRY_MS = 100;

/** For the log of a command that has left something behind. */
const STILL_OPEN = 'output was still open after the exit, by a process left behind; it is read no longer';

function exitOf(child: ChildProcess, began: number): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) =>
      resolve({
        exitCode: code ?? undefined,
        signal: signal ?? undefined,
        timeMs: wallMs(),
        durationSeconds: (performance.now() - began) / 1000,
      }),
    );
  });
}

/** Outputs that a manifest names. */
function made({ attributes }: RecordContent): readonly string[] {
  const outputs = attributes?.[ATTR.MANIFEST_OUTPUTS];
  return Array.isArray(outputs) ? outputs.map(String) : [];
}
