import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type LibrarySighting, reportOnce, safely } from '@taskspan/core/hub';

/** What `<dir>/processes/<instance8>.json` says. */
export interface ProcessEntry {
  /** `service.instance.id`. */
  readonly instance: string;
  readonly pid: number;
  readonly host: string;
  readonly service: string;
  /** RFC 3339. */
  readonly started_at: string;
  /** Null when the process serves no metrics. */
  readonly metrics_url: string | null;
  /** Job libraries that it has loaded so far; older versions do not say. */
  readonly libraries?: readonly LibrarySighting[];
}

export interface ProcessFileOptions {
  /** The folder of the toolkit; it exists. */
  readonly dir: string;
  readonly instance: string;
  readonly service: string;
  /** Default: when this process began. */
  readonly startedAt?: Date | undefined;
}

/** One entry of Prometheus' `file_sd` format. */
interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const TARGETS_FILE = 'prometheus-targets.json';
/** Rounds of writing the list until nobody else has changed what it is made of. */
const WRITE_ROUNDS = 5;

/**
 * The entry of this process in `<dir>/processes/`, and the list of scrape targets made of all entries. All methods are
 * synchronous, so that they work in an exit handler, and never throw: an error is reported once.
 */
export class ProcessFile {
  readonly #dir: string;
  readonly #entry: Omit<ProcessEntry, 'metrics_url' | 'libraries'>;

  constructor(options: ProcessFileOptions) {
    this.#dir = options.dir;
    this.#entry = {
      instance: options.instance,
      pid: process.pid,
      host: hostname(),
      service: options.service,
      started_at: (options.startedAt ?? new Date(Date.now() - process.uptime() * 1000)).toISOString(),
    };
  }

  get path(): string {
    return join(this.#folder, `${this.#instance8}.json`);
  }

  /** Writes the entry, again when something of it changes, and brings the list of targets up to date. */
  write(metricsUrl: string | undefined, libraries: readonly LibrarySighting[] = []): void {
    onDisk('writing the process file', FULL_DISK, () => {
      ensureFolder(this.#dir);
      ensureFolder(this.#folder);
      const entry: ProcessEntry = {
        ...this.#entry,
        metrics_url: metricsUrl ?? null,
        ...(libraries.length > 0 && { libraries }),
      };
      this.#replace(this.path, `${JSON.stringify(entry)}\n`);
      this.#writeTargets();
    });
  }

  /** Takes the entry away. For exit handlers. */
  remove(): void {
    onDisk('removing the process file', [...FULL_DISK, 'ENOENT'], () => {
      rmSync(this.path, { force: true });
      this.#writeTargets();
    });
  }

  get #folder(): string {
    return join(this.#dir, 'processes');
  }

  get #instance8(): string {
    return this.#entry.instance.replace(/[^A-Za-z0-9]/g, '').slice(0, 8);
  }

  /**
   * Every writer reads the entries, writes the list, and reads again: whoever writes last sees all, so that two
   * processes that start at once do not write each other out of the list.
   */
  #writeTargets(): void {
    let written: string | undefined;
    for (let round = 0; round < WRITE_ROUNDS; round++) {
      const list = `${JSON.stringify(this.#targets(), null, 2)}\n`;
      if (list === written) return;
      this.#replace(join(this.#dir, TARGETS_FILE), list);
      written = list;
    }
  }

  #targets(): TargetGroup[] {
    return this.#liveEntries().flatMap((entry): TargetGroup[] => {
      const url =
        entry.metrics_url === null || !URL.canParse(entry.metrics_url) ? undefined : new URL(entry.metrics_url);
      // The loopback address of another host that shares the folder leads to the wrong process.
      if (url === undefined || (entry.host !== this.#entry.host && isLoopback(url))) return [];
      return [{ targets: [url.host], labels: { job: entry.service, instance: entry.instance } }];
    });
  }

  /** Entries in a stable order; those of dead processes of this host are deleted. */
  #liveEntries(): ProcessEntry[] {
    const live: ProcessEntry[] = [];
    for (const name of readdirSync(this.#folder).sort()) {
      if (!name.endsWith('.json')) continue;
      const path = join(this.#folder, name);
      const entry = readEntry(path);
      if (entry === undefined) continue;
      if (this.#isDead(entry)) rmSync(path, { force: true });
      else live.push(entry);
    }
    return live;
  }

  #isDead(entry: ProcessEntry): boolean {
    if (entry.host !== this.#entry.host) return false;
    // Another process that had this pid before.
    if (entry.pid === this.#entry.pid) return entry.instance !== this.#entry.instance;
    try {
      process.kill(entry.pid, 0);
      return false;
    } catch (error) {
      // EPERM: it lives, under another user.
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  }

  /** Readers see the old content or the new, never half of it. */
  #replace(path: string, text: string): void {
    const temporary = `${path}.${this.#instance8}.tmp`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  }
}

function ensureFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** @returns undefined for a file that vanished meanwhile, or that is none of ours */
function readEntry(path: string): ProcessEntry | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      reportOnce(`processes:${path}`, `cannot read ${path}: ${String(error)}`);
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isEntry(value)) return value;
  } catch {
    // Reported below, with what parses but is no entry.
  }
  reportOnce(`processes:${path}`, `${path} is not the entry of a process`);
  return undefined;
}

function isEntry(value: unknown): value is ProcessEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { instance, pid, host, service, metrics_url } = value as Record<string, unknown>;
  return (
    typeof instance === 'string' &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    typeof host === 'string' &&
    typeof service === 'string' &&
    (metrics_url === null || typeof metrics_url === 'string')
  );
}

function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || url.hostname.startsWith('127.');
}

/** A full disk is reported once, by what writes the logs. */
const FULL_DISK = ['ENOSPC', 'EDQUOT'];

/** Reports what fails, but for errors that are no news. */
function onDisk(what: string, noNews: readonly string[], act: () => void): void {
  safely(what, () => {
    try {
      act();
    } catch (error) {
      if (!noNews.includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  });
}
