import { createRequire } from 'node:module';
import { isThreadOfNode, isToolProcess } from './host-program.ts';

type StartModule = typeof import('./start.ts');

/** Long enough for an exporter of the application to take its port, short enough for a person who opens the page. */
const SERVE_AFTER_MS = 100;

/** Starts the toolkit at once. */
export function registerNow(): void {
  if (isForOthers()) return;
  try {
    // Not imported: package managers and compilers load nothing of it, and the others load it faster, file by file.
    begin(createRequire(import.meta.url)('./start.js') as StartModule);
  } catch (error) {
    complain(error);
  }
}

/**
 * Starts the toolkit in a thread. That may be terminated while it loads, which Node survives where modules are imported,
 * and not where they are required: on Node 20 the whole process would end with it.
 */
export async function registerInThread(): Promise<void> {
  if (isForOthers()) return;
  try {
    const loaded = await import('./start.ts');
    // What is loaded later, for a logger or a library, stands on this.
    await import('@taskspan/instrumentations/bridges');
    begin(loaded);
  } catch (error) {
    // A module whose thread is terminated while it loads seems to be broken. Such a thread has no further turn.
    setImmediate(() => complain(error));
  }
}

function isForOthers(): boolean {
  return isToolProcess(process.argv) || isThreadOfNode();
}

function begin({ start }: StartModule): void {
  start({}, { serveAfterMs: SERVE_AFTER_MS, beforeApplication: true });
}

function complain(error: unknown): void {
  process.stderr.write(`taskspan: could not start, the application runs without it: ${String(error)}\n`);
}
