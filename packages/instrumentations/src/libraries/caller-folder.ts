import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where our own frames are, as stacks name files of ES modules, and those of CommonJS. */
const OWN_FOLDERS = [new URL('..', import.meta.url).href, fileURLToPath(new URL('..', import.meta.url))];

const FRAME_FILE = /\(?((?:file:\/\/)?(?:[a-zA-Z]:)?[\\/][^\n]*?):\d+:\d+\)?$/;

/**
 * Folder of the file that called a hooked function: for libraries that look for it in the stack, and would find us.
 *
 * @returns undefined when the stack does not tell
 */
export function callerFolder(): string | undefined {
  const limit = Error.stackTraceLimit;
  // Frames of ours take places that the library counts on.
  Error.stackTraceLimit = 50;
  const lines = String(new Error('stack').stack).split('\n');
  Error.stackTraceLimit = limit;
  for (const line of lines.slice(1)) {
    const file = FRAME_FILE.exec(line.trim())?.[1];
    // Frames of the engine, such as that of `Reflect.apply`, have none.
    if (file === undefined || OWN_FOLDERS.some((folder) => file.startsWith(folder))) continue;
    return dirname(file.startsWith('file://') ? fileURLToPath(file) : file);
  }
  return undefined;
}
