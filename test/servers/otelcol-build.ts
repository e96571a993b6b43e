import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireGo, runGo } from './go-toolchain.ts';
import { keptFolder } from './kept-folder.ts';
import { runLogged } from './logged-command.ts';

const BUILDER_YAML = fileURLToPath(new URL('../../collector/builder.yaml', import.meta.url));
const BUILDER = 'go.opentelemetry.io/collector/cmd/builder';

const BUILD: readonly string[] = ['--config', 'builder.yaml', '--ldflags=-s -w'];

/**
 * The builder's `go mod tidy` fails where a module proxy lacks a module that nothing but tests of components import:
 * with this flag, which no other of its Go commands knows, these are passed over.
 */
const GOFLAGS = '-e';

/**
 * The Collector with the components of `collector/builder.yaml`: about 2 minutes on 2 cores the first time.
 *
 * @param within folder of all kept folders
 * @returns absolute path of the program
 */
export async function otelcolProgram(within: string): Promise<string> {
  const yaml = readFileSync(BUILDER_YAML, 'utf8');
  const folder = await keptFolder(within, {
    name: 'otelcol',
    from: [yaml, BUILD, GOFLAGS],
    programs: { otelcol: ['--version'] },
    make: (result, scratch) => build(yaml, result, scratch),
  });
  return join(folder, 'otelcol');
}

async function build(yaml: string, result: string, scratch: string): Promise<void> {
  await requireGo('the OpenTelemetry Collector', { cwd: scratch });
  await runGo(['install', `${BUILDER}@v${distributionVersion(yaml)}`], {
    cwd: scratch,
    env: { ...process.env, GOBIN: scratch },
  });
  copyFileSync(BUILDER_YAML, join(scratch, 'builder.yaml'));
  await runLogged(join(scratch, 'builder'), BUILD, { cwd: scratch, env: { ...process.env, GOFLAGS } });
  renameSync(join(scratch, 'source', 'otelcol-taskspan'), join(result, 'otelcol'));
}

/** The version of the distribution is that of the builder and of all components. */
function distributionVersion(yaml: string): string {
  const version = /^ {2}version: (\S+)$/m.exec(yaml)?.[1];
  if (version === undefined) throw new Error('collector/builder.yaml has no dist.version');
  return version;
}
