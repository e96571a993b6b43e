import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';

/** A leading dot: no reader looks at it. */
const LOCK_FILE = '.retention.lock';
const LAST_FILE = '.retention.json';

/** A holder shows this often that it lives; one that has not for five times as long is gone. */
const ALIVE_MS = 60_000;
const GONE_MS = 5 * ALIVE_MS;

/** What is known of the last time that a logs folder was tidied, whichever process did it. */
export interface LastRetention {
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** What the folder held then. */
  readonly files: number;
  readonly bytes: number;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** The right to tidy a logs folder: one process at a time has it. */
export class RetentionLock {
  readonly #path: string;
  readonly #alive: NodeJS.Timeout;

  private constructor(path: string) {
    this.#path = path;
    this.#alive = setInterval(() => {
      const now = Date.now() / 1000;
      // Should the file be gone, the release will find that out too.
      utimes(path, now, now).catch(() => {});
    }, ALIVE_MS).unref();
  }

  /** @returns undefined when another process has it; throws where nothing can be written */
  static async take(logs: string): Promise<RetentionLock | undefined> {
    const path = `${logs}/${LOCK_FILE}`;
    if (!(await create(path))) {
      if (!(await isLeft(path))) return undefined;
      // A rename has one winner: whoever loses finds nothing to rename, or a lock that is new.
      const aside = `${path}.${process.pid}`;
      try {
        await rename(path, aside);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      await rm(aside, { force: true });
      if (!(await create(path))) return undefined;
    }
    return new RetentionLock(path);
  }

  async release(): Promise<void> {
    clearInterval(this.#alive);
    await rm(this.#path, { force: true });
  }
}

/** What the process said that tidied the folder last; undefined when none has. */
export async function readLastRetention(logs: string): Promise<LastRetention | undefined> {
  try {
    const { atMs, files, bytes } = JSON.parse(await readFile(`${logs}/${LAST_FILE}`, 'utf8')) as LastRetention;
    return [atMs, files, bytes].every(Number.isFinite) ? { atMs, files, bytes } : undefined;
  } catch {
    // None yet, or half of one: the next time writes it anew.
    return undefined;
  }
}

/** Called with the lock held. */
export async function writeLastRetention(logs: string, last: LastRetention): Promise<void> {
  const unfinished = `${logs}/${LAST_FILE}.part`;
  const handle = await open(unfinished, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify(last));
  } finally {
    await handle.close();
  }
  await rename(unfinished, `${logs}/${LAST_FILE}`);
}

async function create(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    await handle.writeFile(JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the holder is gone. A process of another container may have any number: only time tells about it. */
async function isLeft(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Math.abs(Date.now() - mtimeMs) > GONE_MS) return true;
    const { pid, host } = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    return host === hostname() && typeof pid === 'number' && pid !== process.pid && !isAlive(pid);
  } catch {
    // Released, or being written, at this very moment.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
