import { tmpdir } from 'node:os';
import { runLogged } from './logged-command.ts';
import { programOnPath } from './program-path.ts';

/**
 * The command that reads `docker-compose.yml`: `docker compose` where Docker has it, else `docker-compose`. On Debian,
 * where it is one package that starts no service, root gets it installed.
 *
 * @throws Error that says what to install
 */
export async function composeCommand(): Promise<readonly string[]> {
  const docker = programOnPath('docker');
  if (docker !== undefined && (await hasCompose(docker))) return [docker, 'compose'];
  const found = programOnPath('docker-compose') ?? (await installed());
  if (found === undefined) throw new Error('docker compose (or docker-compose) is needed and not on the PATH');
  return [found];
}

async function hasCompose(docker: string): Promise<boolean> {
  return await runLogged(docker, ['compose', 'version'], { cwd: tmpdir() }).then(
    () => true,
    () => false,
  );
}

async function installed(): Promise<string | undefined> {
  const apt = programOnPath('apt-get');
  if (apt === undefined || process.getuid?.() !== 0) return undefined;
  await runLogged(apt, ['update'], { cwd: tmpdir() });
  await runLogged(apt, ['install', '--yes', '--no-install-recommends', 'docker-compose'], { cwd: tmpdir() });
  return programOnPath('docker-compose');
}
