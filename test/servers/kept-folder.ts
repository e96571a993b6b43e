import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A program answers in milliseconds; above this, in milliseconds too, it is none. */
const ANSWER_TIMEOUT = 20_000;

/** What a folder is made from: it is made again when any of this changes. */
export interface FolderRecipe {
  readonly name: string;
  /** Versions, commands, contents of files. */
  readonly from: readonly unknown[];
  /** Its programs, paths below it, each with the arguments that it answers with exit code 0: what proves it whole. */
  readonly programs: Readonly<Record<string, readonly string[]>>;
  /** Makes it: `result` is kept, `scratch` is removed in any case. */
  readonly make: (result: string, scratch: string) => Promise<void>;
}

/** Where the servers are kept between runs, outside the tree; safe to delete. */
export function serversFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'taskspan-servers');
}

/**
 * The folder of a recipe, made at the first call and found at every later one while its programs run. It is made under
 * another name and renamed when it is whole, so that a build that was interrupted is never found, and two at once both end
 * with a whole one. One that was emptied or damaged since is made again.
 *
 * @param within folder of all kept folders
 * @returns its absolute path
 * @throws Error when it cannot be made, or when what was made does not run
 */
export async function keptFolder(within: string, recipe: FolderRecipe): Promise<string> {
  const { name, from, programs, make } = recipe;
  const content = JSON.stringify([from, process.platform, process.arch]);
  const target = join(within, `${name}-${createHash('sha256').update(content).digest('hex').slice(0, 16)}`);
  if (existsSync(target)) {
    const fault = await faultOf(target, programs);
    if (fault === undefined) return target;
    console.error(`${target} is made again: ${fault.message.trimEnd()}`);
  }
  mkdirSync(within, { recursive: true });
  const fresh = mkdtempSync(join(within, `${name}-new-`));
  try {
    const result = join(fresh, 'result');
    const scratch = join(fresh, 'scratch');
    mkdirSync(result);
    mkdirSync(scratch);
    await make(result, scratch);
    const fault = await faultOf(result, programs);
    if (fault !== undefined) throw fault;
    await settle(result, { target, aside: join(fresh, 'damaged'), programs });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return target;
}

/** Why the first of the programs that does not run does not; undefined when all do. */
async function faultOf(folder: string, programs: FolderRecipe['programs']): Promise<Error | undefined> {
  for (const [path, args] of Object.entries(programs)) {
    try {
      await execute(join(folder, path), args, { timeout: ANSWER_TIMEOUT });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
  return undefined;
}

interface Place {
  readonly target: string;
  /** Where what is in its place and damaged goes. */
  readonly aside: string;
  readonly programs: FolderRecipe['programs'];
}

/** A run beside this one may be first, even between two of these steps; its folder holds the same. */
async function settle(result: string, { target, aside, programs }: Place): Promise<void> {
  if (existsSync(target) && (await faultOf(target, programs)) === undefined) return;
  try {
    if (existsSync(target)) renameSync(target, aside);
    renameSync(result, target);
  } catch (error) {
    if ((await faultOf(target, programs)) !== undefined) throw error;
  }
}
