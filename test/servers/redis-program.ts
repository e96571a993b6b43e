import { join } from 'node:path';
import { hasDebianPackages, missingLibraries, unpackDebian, updatePackageLists } from './debian-packages.ts';
import { keptFolder } from './kept-folder.ts';
import { programOnPath } from './program-path.ts';
import { writeWrapper } from './wrapper-script.ts';

const PROGRAM = 'redis-server';
/** The second holds the program that the first links to. */
const PACKAGES = ['redis-server', 'redis-tools'] as const;

/**
 * Redis: the one on the PATH, else out of Debian's packages, unpacked beside the other servers.
 *
 * @param within folder of all kept folders
 * @returns absolute path of the program
 * @throws Error that says what to install
 */
export async function redisProgram(within: string): Promise<string> {
  const found = programOnPath(PROGRAM);
  if (found !== undefined) return found;
  if (!hasDebianPackages()) {
    throw new Error(
      'redis-server is needed and not on the PATH: see https://redis.io/docs/latest/operate/oss_and_stack',
    );
  }
  const folder = await keptFolder(within, {
    name: 'redis',
    from: PACKAGES,
    programs: { [PROGRAM]: ['--version'] },
    make: unpack,
  });
  return join(folder, PROGRAM);
}

async function unpack(result: string, scratch: string): Promise<void> {
  await updatePackageLists(scratch);
  await unpackDebian([...PACKAGES, ...(await missingLibraries(PACKAGES[0], scratch))], result, scratch);
  writeWrapper(result, 'usr/bin/redis-server', PROGRAM);
}
