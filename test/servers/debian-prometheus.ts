import { join } from 'node:path';
import { hasDebianPackages, unpackDebian, updatePackageLists } from './debian-packages.ts';
import { keptFolder } from './kept-folder.ts';
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
  if (!hasDebianPackages()) {
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
  await updatePackageLists(scratch);
  await unpackDebian([PACKAGE], result, scratch);
}
