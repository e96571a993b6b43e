import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of libraries in unpacked packages; below some there is one more, named after the machine. */
const LIBRARY_FOLDERS = ['usr/lib', 'lib'] as const;

/**
 * Writes a script that starts an unpacked program with the libraries that were unpacked beside it. It becomes the program,
 * so that its process is that of the program.
 *
 * @param folder that holds what was unpacked, and gets the script
 * @param program path below the folder
 * @param name file name of the script
 */
export function writeWrapper(folder: string, program: string, name: string): void {
  const libraries = LIBRARY_FOLDERS.flatMap((path) => withLibraries(folder, path)).map((path) => `$here/${path}`);
  const lines = [
    '#!/bin/sh',
    'here=$(cd "$(dirname "$0")" && pwd)',
    `export LD_LIBRARY_PATH="${libraries.join(':')}"`,
    `exec "$here/${program}" "$@"`,
  ];
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`, { mode: 0o755 });
}

function withLibraries(folder: string, path: string): string[] {
  if (!existsSync(join(folder, path))) return [];
  const inner = readdirSync(join(folder, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
    .map((entry) => `${path}/${entry.name}`);
  return [...inner, path];
}
