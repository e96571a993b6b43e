import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { keptFolder } from './kept-folder.ts';
import { runLogged } from './logged-command.ts';
import { programOnPath } from './program-path.ts';

export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

const PACKAGE = 'prometheus';
/** Where its programs are in it. */
const [PROMETHEUS, PROMTOOL] = ['usr/bin/prometheus', 'usr/bin/promtool'] as const;

/**
 * Prometheus and promtool: the ones on the PATH, else out of Debian's package, unpacked beside the other servers. It is
 * not installed: that would start a service.
 *
 * @param within folder of all kept folders
 * @throws Error that says what to install
 */
export async function prometheusPrograms(within: string): Promise<PrometheusPrograms> {
  const prometheus = programOnPath('prometheus');
  const promtool = programOnPath('promtool');
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  if (programOnPath('apt-get') === undefined || programOnPath('dpkg-deb') === undefined) {
    throw new Error('prometheus and promtool are needed and not on the PATH: see https://prometheus.io/download');
  }
  const folder = await keptFolder(within, {
    name: PACKAGE,
    from: [PACKAGE],
    programs: { [PROMETHEUS]: ['--version'], [PROMTOOL]: ['--version'] },
    make: unpack,
  });
  return { prometheus: join(folder, PROMETHEUS), promtool: join(folder, PROMTOOL) };
}

async function unpack(result: string, scratch: string): Promise<void> {
  // Only root may fetch the lists of packages; they may be there already.
  if (process.getuid?.() === 0) await runLogged('apt-get', ['update'], { cwd: scratch });
  await runLogged('apt-get', ['download', PACKAGE], { cwd: scratch });
  const file = readdirSync(scratch).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error(`apt-get download ${PACKAGE} left no package behind`);
  await runLogged('dpkg-deb', ['--extract', file, result], { cwd: scratch });
}
