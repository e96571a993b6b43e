/**
 * Which programs are tools and not applications, and which threads are Node's own. `NODE_OPTIONS=--import taskspan/register` reaches every Node process
 * below a shell, also `npm start` itself, which would take the metrics port from the app that it starts.
 */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread, parentPort } from 'node:worker_threads';

/**
 * Where the entry scripts of these tools lie, as the ends of real paths. A name alone is not enough: an app may well
 * have a `yarn.js` of its own.
 */
const TOOL_SCRIPTS: readonly RegExp[] = [
  // npm, npx: .../lib/node_modules/npm/bin/npm-cli.js, npx-cli.js, npm-prefix.js
  /\/npm\/bin\/np[mx](-[a-z]+)?(\.[cm]?js)?$/,
  // corepack and its shims: .../corepack/dist/corepack.js, npm.js, yarn.js, pnpm.js
  /\/corepack\/(dist|shims)\/[a-z]+(\.[cm]?js)?$/,
  // what corepack has downloaded: .../corepack/v1/pnpm/9.1.0/bin/pnpm.cjs, .../yarn/4.1.0/yarn.js
  /\/(npm|pnpm|yarn)\/\d[^/]*\/((bin|dist|lib)\/)?(np[mx]-cli|pnp[mx]|yarn|yarnpkg|cli)\.[cm]?js$/,
  /\/(pnpm|@pnpm\/exe)\/(bin|dist)\/pnp[mx](\.[cm]?js)?$/,
  // yarn 1: .../yarn/bin/yarn.js, /opt/yarn-v1.22.22/bin/yarn.js; later ones: .yarn/releases/yarn-4.1.0.cjs
  /\/yarn(-v?\d[^/]*)?\/(bin|lib)\/(yarn|yarnpkg|cli)(\.[cm]?js)?$/,
  /\/\.yarn\/releases\/yarn-[^/]+\.[cm]?js$/,
  // the TypeScript compilers: typescript/bin/tsc, lib/_tsc.js, @typescript/native-preview/bin/tsgo.js
  /\/(typescript|native-preview)\/(bin|lib)\/_?(tsc|tsgo|tsserver)(\.[cm]?js)?$/,
  // our own command line, which starts what it needs itself
  /\/taskspan\/dist\/cli\.js$/,
  // links and wrappers without an extension, should their target be out of reach
  /\/\.?bin\/(npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack|tsc|tsgo|taskspan)$/,
];

/**
 * True inside npm, npx, yarn, pnpm, corepack, the TypeScript compiler and the command line of this toolkit.
 *
 * @param argv as `process.argv`: the script is its second element
 */
export function isToolProcess(argv: readonly string[] = process.argv): boolean {
  const script = argv[1];
  if (script === undefined || script === '') return false;
  return [script, realPath(script)].some((path) => {
    const slashed = path.replaceAll('\\', '/');
    return TOOL_SCRIPTS.some((pattern) => pattern.test(slashed));
  });
}

/**
 * True in a thread that Node has made for itself: that of the module loader, into which `--require` loads too. Threads of
 * the application have a port to whoever made them.
 */
export function isThreadOfNode(): boolean {
  return !isMainThread && parentPort === null;
}

/** What has Node load something before the application, or names a file that may say so. */
const PRELOADING = /^(?:--(?:import|require|loader|experimental-loader|experimental-(?:default-)?config-file)\b|-r)/;

/** False when code of the application has loaded the toolkit: it may have loaded anything before. */
export function isBeforeApplication(): boolean {
  if (createRequire(import.meta.url).main !== undefined) return false;
  return [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)].some((flag) =>
    PRELOADING.test(flag),
  );
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // No such file: the path as given is all there is to judge by.
    return path;
  }
}
