import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { context, diag, ROOT_CONTEXT } from '@opentelemetry/api';
import type { OutputStream } from '../collect/output-log.ts';

/** The two ends of one pipe; undefined write end: handed over already. */
interface PipeEnds {
  readonly read: number;
  write: number | undefined;
}

/** Readable ends of a command's output. */
export type OutputStreams = Readonly<Record<OutputStream, Readable>>;

/**
 * The pipes of one command's stdout and stderr. They are real pipes where the system can make them: those that Node makes
 * are sockets, which no program can open by `/dev/stdout` or `/dev/stderr`, as many scripts and servers do.
 */
export class OutputPipes {
  /** Undefined: Node makes them. */
  readonly #ends: readonly PipeEnds[] | undefined;

  constructor(ends?: readonly PipeEnds[]) {
    this.#ends = ends;
  }

  /** stdout and stderr for `spawn`. */
  get stdio(): readonly [number | 'pipe', number | 'pipe'] {
    const [out, error] = this.#ends ?? [];
    return [out?.write ?? 'pipe', error?.write ?? 'pipe'];
  }

  /** To be called once the child has its ends: from now on the pipes end with their last writer. */
  streamsOf(child: ChildProcess): OutputStreams {
    this.#closeWriteEnds();
    const [out, error] = this.#ends ?? [];
    return { stdout: streamOf(out, child.stdout), stderr: streamOf(error, child.stderr) };
  }

  /** Instead of `streamsOf`, when there is no child. */
  close(): void {
    this.#closeWriteEnds();
    for (const { read } of this.#ends ?? []) closeSync(read);
  }

  #closeWriteEnds(): void {
    for (const ends of this.#ends ?? []) {
      if (ends.write !== undefined) closeSync(ends.write);
      ends.write = undefined;
    }
  }
}

function streamOf(ends: PipeEnds | undefined, made: Readable | null): Readable {
  if (ends !== undefined) return new Socket({ fd: ends.read, readable: true, writable: false });
  if (made === null) throw new Error('the command was started without pipes');
  return made;
}

let canMakeFifos = process.platform !== 'win32';

/** Opens the pipes for one command. Never rejects: without named pipes, those of Node have to do. */
export async function openOutputPipes(): Promise<OutputPipes> {
  if (!canMakeFifos) return new OutputPipes();
  let folder: string | undefined;
  const opened: PipeEnds[] = [];
  try {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-run-'));
    const paths = [join(folder, 'stdout'), join(folder, 'stderr')];
    await makeFifos(paths);
    for (const path of paths) opened.push(openEnds(path));
    return new OutputPipes(opened);
  } catch (error) {
    diag.debug(`taskspan: no named pipes (${String(error)}): a command cannot open /dev/stdout by name`);
    new OutputPipes(opened).close();
    return new OutputPipes();
  } finally {
    // Who has them open goes on with them; nobody else is to find them.
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function openEnds(path: string): PipeEnds {
  // Without waiting for a writer, which comes next; that one then waits for no reader, and blocks as a pipe's end does.
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { read, write: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    closeSync(read);
    throw error;
  }
}

/** Who waits for named pipes. */
interface WantedFifos {
  readonly paths: readonly string[];
  readonly made: () => void;
  readonly failed: (error: Error) => void;
}

/** Commands whose pipes one process makes: whoever comes while it runs waits for the next. */
const MOST_AT_ONCE = 64;
const wanted: WantedFifos[] = [];
let isMaking = false;

function makeFifos(paths: readonly string[]): Promise<void> {
  return new Promise((made, failed) => {
    wanted.push({ paths, made, failed });
    if (!isMaking) makeNext();
  });
}

function makeNext(): void {
  const batch = wanted.splice(0, MOST_AT_ONCE);
  isMaking = batch.length > 0;
  if (!isMaking) return;
  const paths = batch.flatMap((one) => one.paths);
  // Outside of the caller's run, which has not started this process.
  const maker = context.with(ROOT_CONTEXT, () => spawn('mkfifo', ['-m', '600', ...paths], { stdio: 'ignore' }));
  maker.once('error', (error) => {
    // There is none here (images without a shell): that does not change for the next one.
    canMakeFifos = false;
    for (const { failed } of batch) failed(error);
    makeNext();
  });
  maker.once('exit', (code) => {
    for (const { made, failed } of batch) {
      if (code === 0) made();
      else failed(new Error(`mkfifo ended with ${code}`));
    }
    makeNext();
  });
}
