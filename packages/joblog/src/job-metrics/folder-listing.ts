import { readdir } from 'node:fs/promises';
import { reportOnce } from '@taskspan/core/hub';

/** The names in a folder; undefined when it cannot be read, which is reported unless it is not there. */
export async function listed(path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    return unreadable(path, error);
  }
}

/** Reports that a folder cannot be read, unless it is not there. */
export function unreadable(path: string, error: unknown): undefined {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'ENOENT' && code !== 'ENOTDIR')
    reportOnce('metrics.folder', `${path} cannot be read (${code ?? String(error)}): its runs are not in the metrics`);
  return undefined;
}
