import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ScratchFolder } from '../e2e/harness/scratch-folder.ts';
import { ROOT } from '../house/source-tree.ts';
import { cachedInstall, nodeExecutable } from '../pack/cached-install.ts';
import { packAll } from '../pack/tarballs.ts';
import type { Lane, LaneName } from './lanes.ts';

/** A lane that is installed. */
export interface LaneModules {
  /** Path of the program that runs its apps. */
  readonly node: string;
  /** A `node_modules` with its libraries and the packed toolkit; apps link to it. */
  readonly path: string;
}

/** What an app gets of the toolkit's install. */
const TOOLKIT: ReadonlySet<string> = new Set(['taskspan', '@taskspan', '@opentelemetry']);

const made = new Map<LaneName, Promise<LaneModules>>();
let toolkit: Promise<string> | undefined;
let scratch: ScratchFolder | undefined;

/**
 * Installs a lane: from the cache where nothing changed, else half a minute. The libraries and the toolkit are two
 * installs, so that a change of the toolkit does not install all libraries again; links bring them together.
 */
export function laneModules(lane: Lane): Promise<LaneModules> {
  const known = made.get(lane.name);
  if (known !== undefined) return known;
  const making = makeLane(lane);
  made.set(lane.name, making);
  return making;
}

/** Removes the links; the installs stay in the cache. */
export function removeLaneModules(): void {
  made.clear();
  scratch?.remove();
  scratch = undefined;
}

/** Fills the cache with what a lane needs beside the toolkit. */
export async function installLane({ node, installs, beside }: Lane): Promise<Pick<LaneModules, 'node'> & Installed> {
  const folders: string[] = [];
  // One after the other: each uses the whole machine.
  for (const [at, packages] of installs.entries()) {
    folders.push(await cachedInstall(at === 0 ? { ...beside, ...packages } : packages));
  }
  return { node: node === undefined ? process.execPath : await nodeExecutable(node), folders };
}

interface Installed {
  /** Each with a `node_modules`. */
  readonly folders: readonly string[];
}

async function makeLane(lane: Lane): Promise<LaneModules> {
  toolkit ??= installToolkit();
  const toolkitFolder = await toolkit;
  const { node, folders } = await installLane(lane);
  scratch ??= new ScratchFolder();
  const path = scratch.folder(lane.name.replaceAll(' ', '-'), 'node_modules');
  for (const folder of folders) linkPackages(join(folder, 'node_modules'), path);
  // The rest of its install is for itself: a library must not get a version of something from there.
  linkPackages(join(toolkitFolder, 'node_modules'), path, (name) => TOOLKIT.has(name));
  return { node, path };
}

/** Packs and installs the toolkit once, for this process and those that it starts. */
export async function shareToolkit(): Promise<void> {
  process.env['TASKSPAN_TOOLKIT'] = await installToolkit();
}

/**
 * The packages as `npm publish` would send them. `TASKSPAN_TOOLKIT` names a folder whose `node_modules` holds others: `.`
 * is the built tree, which is quicker while one works on it.
 */
async function installToolkit(): Promise<string> {
  const folder = process.env['TASKSPAN_TOOLKIT'];
  if (folder !== undefined && folder !== '') return resolve(ROOT, folder);
  const tarballs = await packAll();
  try {
    return await cachedInstall({ '@opentelemetry/api': '1.9.1' }, tarballs.paths);
  } finally {
    tarballs.remove();
  }
}

/** Links the packages, or folders of them, of one `node_modules` into another; one of the same name makes way. */
function linkPackages(from: string, to: string, isWanted: (name: string) => boolean = () => true): void {
  for (const name of readdirSync(from)) {
    if (name.startsWith('.') || !isWanted(name)) continue;
    if (name.startsWith('@')) {
      mkdirSync(join(to, name), { recursive: true });
      linkPackages(join(from, name), join(to, name));
    } else {
      rmSync(join(to, name), { force: true });
      symlinkSync(join(from, name), join(to, name), 'junction');
    }
  }
}
