import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, type KnownProcess, processTree } from './process-tree.ts';

/** From SIGTERM to SIGKILL. */
const GRACE_MS = 10_000;
const LOOK_MS = 50;

/**
 * The end of a command by force: SIGTERM to it and all that it started, and SIGKILL to those that are still there
 * after the grace time.
 */
export class Termination {
  readonly #pid: number;
  readonly #graceMs: number;
  readonly #targets = new Map<number, KnownProcess>();
  #killAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(pid: number, graceMs: number = GRACE_MS) {
    this.#pid = pid;
    this.#graceMs = graceMs;
  }

  get hasBegun(): boolean {
    return this.#killAt !== undefined;
  }

  begin(): void {
    if (this.hasBegun) return;
    this.#killAt = performance.now() + this.#graceMs;
    this.#add(this.#pid);
    for (const target of this.#targets.values()) {
      send(target, 'SIGTERM');
      // One that is stopped would not hear of it.
      send(target, 'SIGCONT');
    }
    this.#timer = setTimeout(() => this.#kill(), this.#graceMs);
  }

  /** After the command's exit: resolves when nothing of it is left, at the end of the grace time at the latest. */
  async finished(): Promise<void> {
    if (this.#killAt === undefined) return;
    // Its id may be somebody else's by now.
    this.#targets.delete(this.#pid);
    while (performance.now() < this.#killAt && [...this.#targets.values()].some(isAlive)) await delay(LOOK_MS);
    clearTimeout(this.#timer);
    this.#kill();
  }

  #kill(): void {
    // Whose parent is gone is found nowhere but among those that were known.
    for (const target of [...this.#targets.values()].filter(isAlive)) this.#add(target.pid);
    for (const target of this.#targets.values()) send(target, 'SIGKILL');
  }

  #add(root: number): void {
    for (const found of processTree(root)) this.#targets.set(found.pid, found);
  }
}

function send(target: KnownProcess, signal: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch {
    // Gone in this very moment, or somebody else's by now (a program that changes its user).
  }
}
