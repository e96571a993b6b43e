import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasDebianPackages, missingLibraries, unpackDebian, updatePackageLists } from './debian-packages.ts';
import { keptFolder } from './kept-folder.ts';
import { runLogged } from './logged-command.ts';
import { programOnPath } from './program-path.ts';
import { writeWrapper } from './wrapper-script.ts';

/** Where Debian and its kin put the programs of each version, off the PATH. */
const DEBIAN = '/usr/lib/postgresql';

/** It refuses to run as root: for root it has to be where others can read, which root's own cache is not. */
const CACHE_OF_ROOT = '/var/cache/taskspan-servers';

const PROGRAMS = { postgres: ['--version'], initdb: ['--version'] } as const;

/**
 * PostgreSQL: the one on the PATH, else the newest where Debian puts them, else out of Debian's packages, unpacked.
 *
 * @param within folder of all kept folders
 * @returns absolute path of the folder that holds `initdb` and `postgres`
 * @throws Error that says what to install
 */
export async function postgresPrograms(within: string): Promise<string> {
  const found = onPath() ?? installed();
  if (found !== undefined) return found;
  if (!hasDebianPackages()) {
    throw new Error('initdb and postgres are needed and not on the PATH: see https://www.postgresql.org/download');
  }
  return await keptFolder(process.getuid?.() === 0 ? CACHE_OF_ROOT : within, {
    name: 'postgresql',
    from: ['postgresql'],
    programs: PROGRAMS,
    make: unpack,
  });
}

/** `initdb` looks for `postgres` in its own folder, so that both have to be in one. */
function onPath(): string | undefined {
  const initdb = programOnPath('initdb');
  if (initdb === undefined) return undefined;
  return [dirname(initdb), dirname(realpathSync(initdb))].find(holdsPrograms);
}

function installed(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  const versions = readdirSync(DEBIAN).sort((one, other) => Number(other) - Number(one));
  return versions.map((version) => join(DEBIAN, version, 'bin')).find(holdsPrograms);
}

function holdsPrograms(folder: string): boolean {
  return Object.keys(PROGRAMS).every((name) => existsSync(join(folder, name)));
}

async function unpack(result: string, scratch: string): Promise<void> {
  await updatePackageLists(scratch);
  const server = await serverPackage(scratch);
  await unpackDebian([server, ...(await missingLibraries(server, scratch))], result, scratch);
  const version = server.replace('postgresql-', '');
  for (const name of Object.keys(PROGRAMS)) writeWrapper(result, `usr/lib/postgresql/${version}/bin/${name}`, name);
}

/** `postgresql` itself is empty, and depends on the version of this Debian. */
async function serverPackage(scratch: string): Promise<string> {
  const { stdout } = await runLogged('apt-cache', ['depends', 'postgresql'], { cwd: scratch });
  const name = /Depends: (postgresql-\d+)$/m.exec(stdout)?.[1];
  if (name === undefined) throw new Error(`the package postgresql names no server:\n${stdout}`);
  return name;
}
