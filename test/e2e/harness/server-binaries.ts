import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { ROOT } from '../../house/source-tree.ts';

const execute = promisify(execFile);

/** The programs that `npm run servers` provides, by the names that it prints. */
const NAMES = ['otelcol', 'jaeger', 'prometheus', 'promtool'] as const;

/** Path of each program. */
export type ServerBinaries = Readonly<Record<(typeof NAMES)[number], string>>;

let found: Promise<ServerBinaries> | undefined;

/** Where the servers are. Asked once; the first time on a machine it builds them, which takes minutes. */
export function serverBinaries(): Promise<ServerBinaries> {
  found ??= findBinaries();
  return found;
}

async function findBinaries(): Promise<ServerBinaries> {
  const { stdout } = await execute('npm', ['run', '--silent', 'servers'], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
    shell: process.platform === 'win32',
  });
  const paths = new Map(
    stdout.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()] as const];
    }),
  );
  const pathOf = (name: string): string => {
    const path = paths.get(name);
    if (path === undefined || !existsSync(path))
      throw new Error(`npm run servers found no ${name}; it said:\n${stdout}`);
    return path;
  };
  return {
    otelcol: pathOf('otelcol'),
    jaeger: pathOf('jaeger'),
    prometheus: pathOf('prometheus'),
    promtool: pathOf('promtool'),
  };
}
