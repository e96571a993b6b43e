import { constants, fstatSync, openSync, writev } from 'node:fs';
import { Socket } from 'node:net';
import { reportOnce } from '@taskspan/core/hub';
import type { OutputStream } from '../collect/output-log.ts';

/** Bytes that wait to be shown above which nothing more is read from the command. */
const FULL_BYTES = 256 * 1024;
/** Until a descriptor is asked again that does not block and had no room. */
const RETRY_MS = 5;
/** Buffers in one system call: the least that POSIX lets us count on is 16, Linux takes 1024. */
const MOST_BUFFERS = 16;

interface WaitingBytes {
  readonly fd: number;
  readonly bytes: Uint8Array;
}

/**
 * Bytes on their way to stdout and stderr of this process, in the order in which they came. A reader that is slow blocks
 * neither signals nor the end of this process, and nobody who shares the descriptor finds it changed: to a pipe they are
 * written through a descriptor of our own, to anything else in the thread pool. What cannot be written because its reader
 * is gone is forgotten.
 */
class ShownBytes {
  #waiting: WaitingBytes[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  readonly #broken = new Set<number>();
  readonly #pipes = new Map<number, Socket | undefined>();
  #room: (() => void)[] = [];
  #empty: (() => void)[] = [];

  /** @returns when there is room for more; undefined when there is some now */
  write(fd: number, bytes: Uint8Array): Promise<void> | undefined {
    if (this.#broken.has(fd)) return undefined;
    this.#waiting.push({ fd, bytes });
    this.#waitingBytes += bytes.byteLength;
    this.#next();
    if (this.#waitingBytes < FULL_BYTES) return undefined;
    return new Promise((resolve) => this.#room.push(resolve));
  }

  /** Resolves when nothing waits any more. */
  flushed(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#empty.push(resolve));
  }

  #next(): void {
    const first = this.#waiting[0];
    if (this.#isWriting || first === undefined) return;
    this.#isWriting = true;
    const { fd } = first;
    const other = this.#waiting.findIndex((waiting) => waiting.fd !== fd);
    const count = Math.min(other < 0 ? this.#waiting.length : other, MOST_BUFFERS);
    const buffers = this.#waiting.slice(0, count).map(({ bytes }) => bytes);
    const took = (error: NodeJS.ErrnoException | null, written: number): void => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#done(0), RETRY_MS);
      else if (error !== null) this.#break(fd, error);
      else this.#done(written);
    };
    const pipe = this.#pipeOf(fd);
    if (pipe === undefined) writev(fd, buffers, took);
    else writeTo(pipe, buffers, took);
  }

  #pipeOf(fd: number): Socket | undefined {
    if (!this.#pipes.has(fd)) this.#pipes.set(fd, ownPipe(fd));
    return this.#pipes.get(fd);
  }

  #done(written: number): void {
    this.#isWriting = false;
    this.#waitingBytes -= written;
    let left = written;
    let whole = 0;
    for (const { fd, bytes } of this.#waiting) {
      if (bytes.byteLength > left) {
        if (left > 0) this.#waiting[whole] = { fd, bytes: bytes.subarray(left) };
        break;
      }
      left -= bytes.byteLength;
      whole += 1;
    }
    this.#waiting.splice(0, whole);
    this.#tell();
    this.#next();
  }

  #break(fd: number, error: NodeJS.ErrnoException): void {
    this.#broken.add(fd);
    if (error.code !== 'EPIPE') {
      reportOnce(`run-command.show.${fd}`, `output cannot be passed on any more (${error.code}); the log goes on`);
    }
    this.#waiting = this.#waiting.filter((waiting) => waiting.fd !== fd);
    this.#waitingBytes = this.#waiting.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    this.#done(0);
  }

  #tell(): void {
    if (this.#waitingBytes < FULL_BYTES) for (const resolve of this.#room.splice(0)) resolve();
    if (this.#waiting.length === 0) for (const resolve of this.#empty.splice(0)) resolve();
  }
}

type Took = (error: NodeJS.ErrnoException | null, written: number) => void;

function writeTo(pipe: Socket, buffers: readonly Uint8Array[], took: Took): void {
  const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  pipe.cork();
  buffers.forEach((buffer, at) => {
    const isLast = at === buffers.length - 1;
    pipe.write(buffer, isLast ? (error) => took(error ?? null, error ? 0 : bytes) : undefined);
  });
  pipe.uncork();
}

/** The pipe behind a descriptor, opened once more: that it does not block is then our affair alone. */
function ownPipe(fd: number): Socket | undefined {
  try {
    if (process.platform !== 'linux' || !fstatSync(fd).isFIFO()) return undefined;
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    const pipe = new Socket({ fd: own, readable: false, writable: true });
    // Each write says it, too.
    pipe.on('error', () => {});
    return pipe;
  } catch {
    // Its reader is gone, or it belongs to somebody else: the descriptor that we have says so when it is written to.
    return undefined;
  }
}

const FDS: Readonly<Record<OutputStream, number>> = { stdout: 1, stderr: 2 };

/** Where the output of commands is shown: stdout and stderr of this process, which all commands share. */
export class ShownOutput {
  readonly #bytes: Readonly<Record<OutputStream, ShownBytes>>;

  constructor() {
    const stdout = new ShownBytes();
    // One behind the other where both lead to one place; else a reader that takes one of them first stops only the other.
    this.#bytes = { stdout, stderr: isSameFile(FDS.stdout, FDS.stderr) ? stdout : new ShownBytes() };
  }

  /** @returns when there is room for more; undefined when there is some now */
  write(stream: OutputStream, bytes: Uint8Array): Promise<void> | undefined {
    return this.#bytes[stream].write(FDS[stream], bytes);
  }

  /** Resolves when all is passed on, or never will be. */
  async flushed(): Promise<void> {
    await Promise.all([this.#bytes.stdout.flushed(), this.#bytes.stderr.flushed()]);
  }
}

let shared: ShownOutput | undefined;

/** The one of this process. */
export function shownOutput(): ShownOutput {
  shared ??= new ShownOutput();
  return shared;
}

function isSameFile(a: number, b: number): boolean {
  try {
    const [one, other] = [fstatSync(a), fstatSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    // A descriptor that is not open leads nowhere.
    return false;
  }
}
