/**
 * `node --import taskspan/register app.js`: starts the toolkit before the application. Also for `--require` and
 * `NODE_OPTIONS`. Does nothing inside package managers and compilers, and never fails the process that loads it.
 */
import { createRequire } from 'node:module';
import { isThreadOfNode, isToolProcess } from './host-program.ts';

/** Long enough for an exporter of the application to take its port, short enough for a person who opens the page. */
const SERVE_AFTER_MS = 100;

if (!isToolProcess(process.argv) && !isThreadOfNode()) {
  try {
    // Not imported: package managers and compilers load nothing of it, and the others load it faster, file by file.
    const { start } = createRequire(import.meta.url)('./start.js') as typeof import('./start.ts');
    start({}, { serveAfterMs: SERVE_AFTER_MS, beforeApplication: true });
  } catch (error) {
    process.stderr.write(`taskspan: could not start, the application runs without it: ${String(error)}\n`);
  }
}
