import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A flag that has Node load a file before the application, with the file behind `=` or in the next argument. */
const PRELOAD = /^(?:--import|--require|-r)(?:=(.+))?$/;

/**
 * True when a file that Node was told to load before the application is calling: nothing of that is loaded yet, as little
 * as it is under `--import taskspan/register`.
 *
 * @param stack of the call, as `Error.stack`
 * @param flags of Node, such as `process.execArgv`
 */
export function isCalledByPreload(stack: string, flags: readonly string[]): boolean {
  return flags.some((flag, at) => {
    const match = PRELOAD.exec(flag);
    const path = match === null ? undefined : fileOf(match[1] ?? flags[at + 1]);
    return path !== undefined && (stack.includes(`${path}:`) || stack.includes(`${pathToFileURL(path).href}:`));
  });
}

/** Undefined for a package, which is no file of the application's. */
function fileOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  try {
    if (given.startsWith('file:')) return realpathSync(fileURLToPath(given));
    return /^\.{0,2}[\\/]|^[A-Za-z]:/.test(given) ? realpathSync(resolve(given)) : undefined;
  } catch {
    // No such file: Node says so itself.
    return undefined;
  }
}
