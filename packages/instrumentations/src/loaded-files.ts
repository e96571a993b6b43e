import { createRequire } from 'node:module';

const { cache } = createRequire(import.meta.url);

/**
 * Exports of CommonJS files that are loaded already, in every copy and version that the process has: a require hook
 * comes too late for them. ES module apps load CommonJS packages through the same cache.
 *
 * @param path end of the file's path, from the package's name on, with forward slashes
 */
export function loadedFiles(path: string): unknown[] {
  const found: unknown[] = [];
  const ending = `/${path}`;
  for (const file in cache) {
    if (!file.replaceAll('\\', '/').endsWith(ending)) continue;
    const module = cache[file];
    if (module?.loaded === true) found.push(module.exports);
  }
  return found;
}
