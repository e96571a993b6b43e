import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What a folder is made from: it is made again when any of this changes. */
export interface FolderRecipe {
  readonly name: string;
  /** Versions, commands, contents of files. */
  readonly from: readonly unknown[];
  /** Makes it: `result` is kept, `scratch` is removed in any case. */
  readonly make: (result: string, scratch: string) => Promise<void>;
}

/** Where the servers are kept between runs, outside the tree; safe to delete. */
export function serversFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'taskspan-servers');
}

/**
 * The folder of a recipe, made at the first call and found at every later one. It is made under another name and renamed
 * when it is whole, so that a build that was interrupted is never found, and two at once both end with a whole one.
 *
 * @param within folder of all kept folders
 * @returns its absolute path
 */
export async function keptFolder(within: string, recipe: FolderRecipe): Promise<string> {
  const { name, from, make } = recipe;
  const content = JSON.stringify([from, process.platform, process.arch]);
  const target = join(within, `${name}-${createHash('sha256').update(content).digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return target;
  mkdirSync(within, { recursive: true });
  const fresh = mkdtempSync(join(within, `${name}-new-`));
  try {
    const result = join(fresh, 'result');
    const scratch = join(fresh, 'scratch');
    mkdirSync(result);
    mkdirSync(scratch);
    await make(result, scratch);
    renameInto(result, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return target;
}

/** A run beside this one may have been first; its folder holds the same. */
function renameInto(fresh: string, target: string): void {
  try {
    renameSync(fresh, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  }
}
