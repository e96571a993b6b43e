import { createRequire } from 'node:module';

const { cache } = createRequire(import.meta.url);

/** Which of some packages CommonJS has loaded already, a file of them at least. */
export function loadedPackages(names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  if (names.length === 0) return found;
  const pattern = new RegExp(
    `[\\\\/]node_modules[\\\\/](${names.map((name) => name.replace('/', '[\\\\/]')).join('|')})[\\\\/]`,
  );
  for (const file in cache) {
    const name = pattern.exec(file.slice(file.lastIndexOf('node_modules') - 1))?.[1];
    if (name !== undefined) found.add(name.replace('\\', '/'));
  }
  return found;
}
