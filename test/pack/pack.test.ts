import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { manifestOf, packageFolders, ROOT } from '../house/source-tree.ts';
import { runApp } from './app-run.ts';
import { cachedInstall, INSTALL_TIMEOUT_MS } from './cached-install.ts';
import { assertProven, FLAGS, PROVING_APP, type ProvingApp } from './proving-app.ts';
import { packAll, type Tarballs } from './tarballs.ts';

const execute = promisify(execFile);
const require = createRequire(import.meta.url);

describe('packed packages', function () {
  this.timeout(INSTALL_TIMEOUT_MS);

  let tarballs: Tarballs;
  let install: string;

  before(async () => {
    tarballs = await packAll();
    install = await cachedInstall({ '@opentelemetry/api': '1.9.1', winston: '3.19.0' }, tarballs.paths);
  });

  after(() => tarballs?.remove());

  for (const folder of packageFolders()) {
    const { name } = manifestOf(`packages/${folder}`);
    const tarball = (): Tarballs['all'][number] => {
      const found = tarballs.all.find((candidate) => candidate.folder === folder);
      assert.ok(found);
      return found;
    };

    describe(name, () => {
      it('holds what its exports name, a README, and nothing that is only for us', () => {
        const { files, manifest } = tarball();
        for (const target of Object.values(manifest.exports ?? {})) {
          const paths = target === null ? [] : typeof target === 'string' ? [target] : Object.values(target);
          for (const path of paths) assert.ok(files.includes(path.replace('./', '')), path);
        }
        assert.ok(files.includes('README.md'), 'README.md');
        assert.deepEqual(files.filter(isOnlyForUs), []);
      });

      it('is clean for publint', async () => {
        const { path, manifest } = tarball();
        const { buffer, byteOffset, byteLength } = readFileSync(path);
        const packed = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
        const { messages } = await publint({ pack: { tarball: packed }, strict: true, level: 'suggestion' });
        assert.deepEqual(
          messages.map((message) =>
            formatMessage(message, manifest as object as Record<string, unknown>, { color: false }),
          ),
          [],
        );
      });

      it('is clean for attw', async () => {
        await attw(tarball().path);
      });

      it('is installed once, from its tarball, and asks for versions that are there', () => {
        const installed = readManifest(join(install, 'node_modules', name));
        assert.equal(installed['version'], tarball().manifest.version);
        assert.deepEqual(copiesOf(name, join(install, 'node_modules')), [join(install, 'node_modules', name)]);
      });

      it('gives everything that it exports to import and to require', async () => {
        for (const [entry, target] of Object.entries(tarball().manifest.exports ?? {})) {
          // Register acts when it is loaded; the apps below do that.
          if (target === null || typeof target === 'string' || entry === './register') continue;
          const specifier = name + entry.slice(1);
          const source = (load: string): string => `${load}.then((all) => console.log(Object.keys(all).length > 0));\n`;
          for (const load of [`import('${specifier}')`, `Promise.resolve(require('${specifier}'))`]) {
            const run = await runApp({ install, file: 'load.cjs', source: source(load) });
            assert.deepEqual([run.code, run.stderr, run.stdout], [0, '', 'true\n'], load);
          }
        }
      });

      it('keeps its inside closed', async () => {
        const source = `import('${name}/internal/state').catch((error) => console.log(error.code));\n`;
        const run = await runApp({ install, file: 'inside.mjs', source });
        assert.equal(run.stdout, 'ERR_PACKAGE_PATH_NOT_EXPORTED\n');
      });
    });
  }

  describe('an app', () => {
    for (const file of Object.keys(PROVING_APP) as ProvingApp[]) {
      for (const [flag, how] of Object.entries(FLAGS)) {
        it(`${file} with ${flag}: every function of the API, files, metrics, exit`, async () => {
          assertProven(await runApp({ install, file, source: PROVING_APP[file], ...how }));
        });
      }

      it(`${file} keeps its own exit code, and prints nothing more than without the flag`, async () => {
        const source = `console.log('works');\nprocess.exit(3);\n`;
        const run = await runApp({ install, file, source, ...FLAGS['--import'] });
        assert.deepEqual([run.code, run.signal, run.stdout, run.stderr], [3, null, 'works\n', '']);
      });
    }
  });

  describe('a consumer in TypeScript', () => {
    for (const file of ['consumer.mts', 'consumer.cts']) {
      it(`${file} type-checks with every library checked too`, async () => {
        await typeCheck(install, file);
      });
    }
  });
});

/** Tests, benches, sources, maps and build records stay here. */
function isOnlyForUs(file: string): boolean {
  return /\.(test|bench|fixture)[.-]|\.map$|tsbuildinfo|^src\/|(^|\/)node_modules\/|tsconfig/.test(file);
}

/**
 * The profile `node16` leaves out the resolution of Node 10, which knows no `exports`. One rule is ignored,
 * `cjs-resolves-to-esm`: the packages are ESM alone, and every Node of `engines` can `require` that.
 */
async function attw(tarball: string): Promise<void> {
  const cli = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist', 'index.js');
  const args = [
    cli,
    tarball,
    '--profile',
    'node16',
    '--ignore-rules',
    'cjs-resolves-to-esm',
    '--no-color',
    '--no-emoji',
  ];
  const { stdout } = await execute(process.execPath, args).catch((error: { stdout?: string }) => {
    throw new Error(error.stdout ?? String(error));
  });
  // It ends with 0 only when no problem is left; the table proves that it looked.
  assert.match(stdout, /node16 \(from CJS\).*node16 \(from ESM\)/s);
}

function readManifest(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
}

/** Folders that hold a package of this name, at any depth of a `node_modules`. */
function copiesOf(name: string, nodeModules: string): string[] {
  return readdirSync(nodeModules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== '.bin')
    .flatMap((entry) => {
      const folder = join(nodeModules, entry.name);
      if (entry.name.startsWith('@')) return copiesInScope(name, folder);
      return copiesIn(name, entry.name, folder);
    });
}

function copiesInScope(name: string, scope: string): string[] {
  const scopeName = scope.slice(scope.lastIndexOf('@'));
  return readdirSync(scope).flatMap((inner) => copiesIn(name, `${scopeName}/${inner}`, join(scope, inner)));
}

function copiesIn(name: string, own: string, folder: string): string[] {
  const nested = join(folder, 'node_modules');
  return [...(own === name ? [folder] : []), ...(existsSync(nested) ? copiesOf(name, nested) : [])];
}

const CONSUMER = `import { context } from '@opentelemetry/api';
import { runTask, runTaskSteps, startTask, type Task, type TaskOptions, type TaskStatus } from 'taskspan';
import { taskProcessors, taskSampler, taskViews } from 'taskspan/sdk';
import { recordTasks } from 'taskspan/testing';
import { ATTR, TASK_STATUSES } from '@taskspan/core';
import { METRICS } from '@taskspan/metrics';

const options: TaskOptions = { id: 'a', attempt: 2, attributes: { repository: 'r' }, deadline: Date.now() + 1000 };
export const inferred: Promise<number> = runTask('commit', async (task: Task) => task.id.length, options);
export const sync: string = runTask('commit', () => 'now');
export const steps: Promise<readonly unknown[]> = runTaskSteps('dump', [{ name: 'refs', run: () => 1 }]);
export const statuses: readonly TaskStatus[] = TASK_STATUSES;
export const pieces: readonly unknown[] = [taskProcessors, taskSampler, taskViews, recordTasks, METRICS.total.name, ATTR.TASK_ID];
context.with(context.active(), () => startTask('manual').end({ status: 'success' }));
// A status that no caller may claim is refused by the types already.
export type Refused = Parameters<Task['end']>[0] extends { status?: 'orphaned' } | undefined ? never : 'yes';
export const refused: Refused = 'yes';
`;

async function typeCheck(install: string, file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'taskspan-types-'));
  try {
    symlinkSync(join(install, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, file), CONSUMER);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    await execute(process.execPath, [tsc, '-p', folder]).catch((error: { stdout?: string }) => {
      throw new Error(error.stdout ?? String(error));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
