import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DropSignal } from '@taskspan/core/hub';
import { diskSize, type SpoolFile, SpoolFolder } from './spool-folder.ts';
import { parseFileName, parseFolderName, serviceKey } from './spool-names.ts';
import { type Life, lifeOf, thisOwner } from './spool-owner.ts';

/** Requests on disk. */
export interface SpooledAmount {
  readonly files: number;
  /** What they take on the disk. */
  readonly bytes: number;
}

/** What one process holds, or has left. */
export interface SpooledFolder extends SpooledAmount {
  /** Whether that process lives; `unknown` on another machine, for one. */
  readonly life: Life;
  /** Undefined when it has given the folder away at its end. */
  readonly pid: number | undefined;
  readonly signals: readonly DropSignal[];
  /** True when another service has left it, whose processes alone send it. */
  readonly isForeign: boolean;
}

export interface SpoolSurvey {
  /** The folder of all spools. */
  readonly path: string;
  /** Those that hold something. */
  readonly folders: readonly SpooledFolder[];
  /** What receivers refused for good. */
  readonly refused: SpooledAmount & { readonly path: string };
}

/**
 * Looks at what waits on disk, and changes nothing.
 *
 * @param directory the folder of the toolkit
 * @param service `service.name` of the process that would send it
 * @returns rejects never; what cannot be read is not in it
 */
export async function surveySpool(directory: string, service: string): Promise<SpoolSurvey> {
  const path = join(directory, 'spool');
  const key = serviceKey(service);
  const folders: SpooledFolder[] = [];
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    const name = entry.isDirectory() ? parseFolderName(entry.name) : undefined;
    if (name === undefined) continue;
    const files = await new SpoolFolder(join(path, entry.name)).list().catch((): SpoolFile[] => []);
    if (files.length === 0) continue;
    folders.push({
      life: name.owner === 'free' ? 'dead' : lifeOf(name.owner, thisOwner()),
      pid: name.owner === 'free' ? undefined : name.owner.pid,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.size, 0),
      signals: [...new Set(files.map(({ signal }) => signal))],
      isForeign: name.service !== undefined && name.service !== key,
    });
  }
  return { path, folders, refused: await surveyRefused(join(path, 'refused')) };
}

async function surveyRefused(path: string): Promise<SpoolSurvey['refused']> {
  const names = await readdir(path).catch(() => []);
  let [files, bytes] = [0, 0];
  for (const name of names.filter((one) => parseFileName(one) !== undefined)) {
    // It may be deleted in this moment.
    const stat = await lstat(join(path, name)).catch(() => undefined);
    files += stat === undefined ? 0 : 1;
    bytes += stat === undefined ? 0 : diskSize(stat.size);
  }
  return { path, files, bytes };
}
