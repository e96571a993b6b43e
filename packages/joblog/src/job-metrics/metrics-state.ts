/**
 * What was counted and how far each file was read, in one file: both or neither. Written as a whole under another name
 * and then renamed, so that several processes may do it at once: each leaves a state that is true.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { clearReports, reportOnce } from '@taskspan/core/hub';
import type { Counted } from './counted.ts';
import type { MetricCells } from './metric-cells.ts';
import { applyLine, type StateHead, stateHead, stateLines } from './state-lines.ts';
import { TimeSlice } from './time-slice.ts';

/** With the version of its lines: what another version of the toolkit has counted stays what it is. */
const FILE = 'metrics-1.jsonl';
const TEMPORARY = /^metrics\.[\w-]+\.tmp$/;
const NEWLINE = 10;

/** What a process that was killed has left; a live one writes for seconds. */
const LEFT_MS = 3_600_000;

/** No state is as large; and a head line is short. */
const MAX_BYTES = 1 << 30;
const HEAD_BYTES = 64 * 1024;

const REPORT_KEY = 'metrics.state';

export class MetricsState {
  readonly #folder: string;
  /** What was found and is of no use: it may be replaced, whatever it says of itself. */
  #useless = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Reads the state into what is given.
   *
   * @param make gives the empty parts that a line goes into; called again when they are spoilt by half a state
   * @returns the parts filled, or empty when there is no state or it cannot be used
   */
  async load(make: () => Counted): Promise<Counted> {
    const bytes = await this.#read();
    if (bytes === undefined) return make();
    const counted = make();
    try {
      const slice = new TimeSlice();
      for (const line of checkedLines(bytes)) {
        applyLine(line, counted);
        if (slice.isOver) await slice.next();
      }
      return counted;
    } catch (error) {
      this.#useless = await identity(this.#file);
      reportOnce(
        REPORT_KEY,
        `${this.#file} cannot be used (${String(error)}): metrics are counted anew from the files`,
      );
      return make();
    }
  }

  /** Saves, unless what is there knows more. Never rejects; true when the state is on the disk. */
  async save(counted: Counted): Promise<boolean> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      if (await this.#knowsMore(counted.cells)) return false;
      const temporary = join(this.#folder, `metrics.${randomUUID()}.tmp`);
      try {
        await write(temporary, counted);
        await rename(temporary, this.#file);
      } catch (error) {
        await unlink(temporary).catch((gone: NodeJS.ErrnoException) => gone);
        throw error;
      }
      clearReports(REPORT_KEY);
      return true;
    } catch (error) {
      reportOnce(REPORT_KEY, `${this.#file} cannot be written (${String(error)}): metrics are counted anew next time`);
      return false;
    }
  }

  get #file(): string {
    return join(this.#folder, FILE);
  }

  async #read(): Promise<Buffer | undefined> {
    try {
      await this.#removeLeft();
      const stats = await stat(this.#file);
      if (stats.isFile() && stats.size <= MAX_BYTES) return await readFile(this.#file);
      throw new Error('no file of this size is a state');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      this.#useless = await identity(this.#file);
      reportOnce(
        REPORT_KEY,
        `${this.#file} cannot be read (${String(error)}): metrics are counted anew from the files`,
      );
      return undefined;
    }
  }

  async #removeLeft(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (!TEMPORARY.test(name)) continue;
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > LEFT_MS) await unlink(path);
    }
  }

  /** Of two processes the one that counted more wins: it saw files that are deleted by now. */
  async #knowsMore(cells: MetricCells): Promise<boolean> {
    if ((await identity(this.#file)) === this.#useless) return false;
    const head = await readHead(this.#file);
    return head !== undefined && head.events > cells.events;
  }
}

async function write(path: string, counted: Counted): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const handle = await open(path, flags, 0o600);
  try {
    const hash = createHash('sha256');
    for (const line of stateLines(counted)) {
      const text = `${JSON.stringify(line)}\n`;
      hash.update(text);
      await handle.writeFile(text);
    }
    await handle.writeFile(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
  } finally {
    await handle.close();
  }
}

/** The lines of a state that is whole; throws for any other. */
function* checkedLines(bytes: Buffer): Generator<unknown, void, undefined> {
  const end = bytes.lastIndexOf(NEWLINE, -2) + 1;
  const { sha256 } = JSON.parse(bytes.toString('utf8', end)) as { sha256?: unknown };
  const found = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
  if (sha256 !== found) throw new Error('its checksum is wrong');
  for (let at = 0; at < end; ) {
    const next = bytes.indexOf(NEWLINE, at) + 1;
    yield JSON.parse(bytes.toString('utf8', at, next - 1));
    at = next;
  }
}

/** The first line of whatever state is there; undefined when there is none. */
async function readHead(path: string): Promise<StateHead | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const end = buffer.subarray(0, bytesRead).indexOf(NEWLINE);
    return end < 0 ? undefined : stateHead(parsed(buffer.toString('utf8', 0, end)));
  } finally {
    await handle.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

/** Tells this file from what is there after anybody has replaced it. */
async function identity(path: string): Promise<string> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  return stats instanceof Error ? String(stats.code) : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}
