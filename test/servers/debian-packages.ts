import { readdirSync } from 'node:fs';
import { runLogged } from './logged-command.ts';
import { programOnPath } from './program-path.ts';

/** True where {@link unpackDebian} can work. */
export function hasDebianPackages(): boolean {
  return programOnPath('apt-get') !== undefined && programOnPath('dpkg-deb') !== undefined;
}

/** Brings the lists of packages up to date. Only root may; they may be there already. */
export async function updatePackageLists(scratch: string): Promise<void> {
  if (process.getuid?.() === 0) await runLogged('apt-get', ['update'], { cwd: scratch });
}

/**
 * Unpacks packages of Debian into a folder. They are not installed: that would start services.
 *
 * @param result folder that gets their files, as below `/`
 * @param scratch folder that gets the packages; removed by the caller
 * @throws Error when there is no such package
 */
export async function unpackDebian(packages: readonly string[], result: string, scratch: string): Promise<void> {
  await runLogged('apt-get', ['download', ...packages], { cwd: scratch });
  const files = readdirSync(scratch).filter((name) => name.endsWith('.deb'));
  if (files.length < packages.length) throw new Error(`apt-get download left only ${files.join(', ')} behind`);
  for (const file of files) await runLogged('dpkg-deb', ['--extract', file, result], { cwd: scratch });
}

/** Libraries that a package needs and that are not installed here, without the compiler that PostgreSQL can do without. */
export async function missingLibraries(name: string, scratch: string): Promise<readonly string[]> {
  const args = ['--simulate', '--no-install-recommends', '--yes', 'install', name];
  const { stdout } = await runLogged('apt-get', args, { cwd: scratch });
  return [...stdout.matchAll(/^Inst (lib\S+)/gm)].flatMap(([, library = '']) =>
    /^lib(llvm|z3)/.test(library) ? [] : [library],
  );
}
