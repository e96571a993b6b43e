import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix, relative, resolve, sep } from 'node:path';
import { cachedInstall } from '../pack/cached-install.ts';
import type { OwnSuite } from './suite-table.ts';

const CODE = /\.[cm]?[jt]sx?$/;
const RELATIVE_PATH = /(['"`])(\.\.?(?:\/[^'"`\n]*)?)\1/g;

/**
 * Copies a checkout into an empty folder, with links to what is installed there; its tests then import the published
 * package.
 *
 * @returns the version of the package
 */
export async function copySuite(checkout: string, copy: string, suite: OwnSuite): Promise<string> {
  const left = new Set(['node_modules', '.git']);
  cpSync(checkout, copy, {
    recursive: true,
    filter: (path) => !left.has(basename(path)) || dirname(path) !== checkout,
  });
  const modules = join(copy, 'node_modules');
  const version = versionOf(checkout);
  const installed = join(await cachedInstall({ [suite.name]: version }), 'node_modules');
  // No link, so that it finds what it needs where the tests find it: there has to be one of each.
  cpSync(join(installed, suite.name), join(modules, suite.name), { recursive: true });
  linkModules(join(checkout, 'node_modules'), modules);
  linkModules(installed, modules);
  if (suite.needs !== undefined) linkModules(join(await cachedInstall(suite.needs), 'node_modules'), modules);
  rename(join(copy, 'package.json'), `${suite.name}-suite`);
  for (const [path, text] of Object.entries(suite.files ?? {})) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), text);
  }
  for (const path of codeFiles(copy, suite.tests)) adapt(path, copy, suite);
  return version;
}

/** By its own name a package with `exports` finds itself. */
function rename(manifest: string, name: string): void {
  if (!existsSync(manifest)) return;
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), name }, undefined, 2));
}

/** The tag that is checked out, where it is a version; the manifest's may be that of the release before. */
function versionOf(checkout: string): string {
  const tags = execFileSync('git', ['tag', '--points-at', 'HEAD'], { cwd: checkout, encoding: 'utf8' });
  const tag = /^v?(\d+\.\d+\.\d+)$/m.exec(tags)?.[1];
  if (tag !== undefined) return tag;
  return (JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Links packages that are not there yet. */
function linkModules(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name.startsWith('.') && name !== '.bin') continue;
    if (name.startsWith('@')) linkModules(join(from, name), join(to, name));
    else if (!existsSync(join(to, name))) symlinkSync(join(from, name), join(to, name));
  }
}

function codeFiles(copy: string, tests: string): readonly string[] {
  const below = readdirSync(join(copy, tests), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && CODE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const beside = readdirSync(copy).filter((name) => CODE.test(name));
  return [...below, ...beside.map((name) => join(copy, name))];
}

/** From a file to the top of the copy: what `exports` do not name can be imported only by its path. */
function up(path: string, copy: string): string {
  return relative(dirname(path), copy).split(sep).join(posix.sep) || '.';
}

/** Makes a file import the package where it imports its sources. */
function adapt(path: string, copy: string, { published, edits = [] }: OwnSuite): void {
  const text = readFileSync(path, 'utf8');
  const imported = text.replace(RELATIVE_PATH, (whole, quote: string, target: string) => {
    const source = relative(copy, resolve(dirname(path), target))
      .split(sep)
      .join(posix.sep)
      .replace(CODE, '');
    const rule = published.find(([pattern]) => pattern.test(source));
    if (rule === undefined) return whole;
    const found = source.replace(...rule);
    return `${quote}${found.startsWith('node_modules/') ? `./${up(path, copy)}/${found}` : found}${quote}`;
  });
  const edited = edits.reduce((before, [pattern, by]) => before.replace(pattern, by), imported);
  if (edited !== text) writeFileSync(path, edited);
}
