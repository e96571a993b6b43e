import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top folder of the repository, absolute. */
export const ROOT: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Every file that git keeps or would keep, relative to {@link ROOT}, with forward slashes. */
export function projectFiles(): readonly string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return [...new Set(list.split('\0'))].filter((file) => file !== '' && existsSync(join(ROOT, file))).sort();
}

export function readProjectFile(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Folder names below `packages/` that hold a package. */
export function packageFolders(): readonly string[] {
  return readdirSync(join(ROOT, 'packages')).filter((name) => existsSync(join(ROOT, 'packages', name, 'package.json')));
}

/** What the checks read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly type?: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>> | string | null>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export function manifestOf(folder: string): Manifest {
  return JSON.parse(readProjectFile(posix.join(folder, 'package.json'))) as Manifest;
}

/** Hand-written TypeScript and JavaScript of the project. */
export function isCode(file: string): boolean {
  return /\.(ts|mts|cts|js|mjs|cjs)$/.test(file);
}

export function isTest(file: string): boolean {
  return /\.test(\.|$)|\.test-|\.fixture\./.test(posix.basename(file));
}

export function isBench(file: string): boolean {
  return /\.bench\.ts$/.test(file);
}

const STATIC_IMPORT = /^[ \t]*(?:import|export)\b(?:[^'"`;()]*?\bfrom)?[ \t\n]*['"]([^'"\n]+)['"]/gm;
const CALLED_IMPORT = /\b(?:import|require|resolve)[ \t]*\([ \t\n]*['"]([^'"\n]+)['"]/g;
const COMMENT_LINE = /^[ \t]*(?:\/\/|\/\*|\*).*$/gm;

const TEMPLATE = /`(?:\\.|[^`\\])*`/g;

/**
 * Module names that a source text imports: statically, re-exported, as types, dynamically and by `require`. Code inside
 * a template literal counts too, which errs on the strict side; {@link importsOfTest} leaves it out.
 */
export function importsOf(text: string): readonly string[] {
  const code = text.replace(COMMENT_LINE, '');
  const found = [...code.matchAll(STATIC_IMPORT), ...code.matchAll(CALLED_IMPORT)].map((match) => match[1] ?? '');
  return [...new Set(found)];
}

/** As {@link importsOf}, without the apps that tests write out of template literals. */
export function importsOfTest(text: string): readonly string[] {
  return importsOf(text.replace(COMMENT_LINE, '').replace(TEMPLATE, '``'));
}

/** The project file that a relative import names, or undefined for a package. */
export function relativeTarget(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined;
}

/** The first cycle of a graph as the list of its members, first one repeated at the end; undefined when there is none. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): readonly string[] | undefined => {
    const seenAt = path.indexOf(node);
    if (seenAt >= 0) return [...path.slice(seenAt), node];
    if (done.has(node)) return undefined;
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
