import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type AppRun, runApp } from '../pack/app-run.ts';
import { cachedInstall, INSTALL_TIMEOUT_MS, NODE_VERSIONS, nodeExecutable } from '../pack/cached-install.ts';
import { assertProven, FLAGS, metricValue, PROVING_APP, type ProvingApp } from '../pack/proving-app.ts';
import { packAll, type Tarballs } from '../pack/tarballs.ts';

const API = { old: '1.9.1', new: '1.10.0' } as const;

/** An app that sets up OpenTelemetry 3 by itself, after register, and says what its own exporter got. */
const OTEL_3_APP = `import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { runTask } from 'taskspan';
import fs from 'node:fs';
import path from 'node:path';

const exported = [];
let bothExported;
const both = new Promise((resolve) => {
  bothExported = resolve;
});
const exporter = {
  export(spans, done) {
    exported.push(...spans.map((span) => span.name));
    done({ code: 0 });
    if (exported.length >= 2) bothExported();
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};
const sdk = new NodeSDK({
  spanProcessors: [new SimpleSpanProcessor({ exporter })],
  logRecordProcessors: [],
  metricReaders: [],
  instrumentations: [],
});
sdk.start();
trace.getTracer('app').startActiveSpan('span of the app', (span) => span.end());
await runTask('commit', async () => {
  trace.getTracer('app').startActiveSpan('span in a task', (span) => span.end());
}, { id: 'run-commit' });
// This SDK exports when the resource is known, which its shutdown does not wait for.
await Promise.race([both, new Promise((resolve) => setTimeout(resolve, 10_000).unref())]);
await sdk.shutdown();
console.log('exported', JSON.stringify(exported));
const folder = path.join(process.env.TASKSPAN_DIR, 'processes');
for (;;) {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  const entries = names.map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')));
  const own = entries.find((entry) => entry.pid === process.pid && entry.metrics_url);
  if (own !== undefined) {
    console.log(await (await fetch(own.metrics_url)).text());
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
}
`;

describe('beside OpenTelemetry', function () {
  this.timeout(INSTALL_TIMEOUT_MS);

  let tarballs: Tarballs;
  let node24: string;

  before(async () => {
    tarballs = await packAll();
    node24 = await nodeExecutable(NODE_VERSIONS[24]);
  });

  after(() => tarballs?.remove());

  for (const [title, version] of Object.entries(API)) {
    describe(`with the ${title} api ${version}`, () => {
      let install: string;

      before(async () => {
        install = await cachedInstall({ '@opentelemetry/api': version, winston: '3.19.0' }, tarballs.paths);
      });

      lanes(() => install);
    });
  }

  describe('with two copies of the api', () => {
    let folder: string;

    before(async () => {
      const versions = {
        '@opentelemetry/api': API.new,
        'other-api': `npm:@opentelemetry/api@${API.old}`,
        winston: '3.19.0',
      };
      const install = await cachedInstall(versions, tarballs.paths);
      folder = mkdtempSync(join(tmpdir(), 'taskspan-two-apis-'));
      cpSync(join(install, 'node_modules'), join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true });
      // As npm nests it when the app and the toolkit ask for different versions: the app has the newer one.
      for (const name of ['taskspan', ...tarballs.all.map((tarball) => tarball.manifest.name)]) {
        const nested = join(folder, 'node_modules', name, 'node_modules', '@opentelemetry', 'api');
        if (!existsSync(dirname(nested)))
          cpSync(join(folder, 'node_modules', 'other-api'), nested, { recursive: true });
      }
    });

    after(() => rmSync(folder, { recursive: true, force: true }));

    lanes(() => folder);
  });

  describe('an app with OpenTelemetry 3 of its own', () => {
    let run: AppRun;

    before(async () => {
      const versions = {
        '@opentelemetry/api': API.new,
        '@opentelemetry/sdk-node': '0.301.0',
        '@opentelemetry/sdk-trace': '3.1.1',
      };
      const install = await cachedInstall(versions, tarballs.paths);
      run = await runApp({ node: node24, install, file: 'app.mjs', source: OTEL_3_APP, ...FLAGS['--import'] });
    });

    it('ends as it would alone', () => {
      assert.deepEqual([run.code, run.signal], [0, null], run.stderr);
    });

    it('gets its own spans in its own exporter', () => {
      const exported = JSON.parse(/^exported (.*)$/m.exec(run.stdout)?.[1] ?? '[]') as string[];
      assert.ok(exported.includes('span of the app'), run.stdout.slice(0, 200));
      assert.ok(exported.includes('span in a task'), run.stdout.slice(0, 200));
    });

    it('keeps its tasks: counted, and in their file', () => {
      assert.equal(metricValue(run.stdout, 'async_operations_total', { operation: 'commit', status: 'success' }), 1);
      assert.match(run.logs['run-commit'] ?? '', /"task\.ended"/);
    });

    it('is told once what to do', () => {
      assert.equal(run.stderr.split('taskspan/sdk').length - 1, 1, run.stderr);
    });
  });

  function lanes(install: () => string): void {
    for (const [title, node] of [
      ['this Node', () => undefined],
      ['Node 24', () => node24],
    ] as const) {
      for (const file of Object.keys(PROVING_APP) as ProvingApp[]) {
        it(`${file} on ${title}: the app's own spans and its tasks are all there`, async () => {
          const app = { node: node(), install: install(), file, source: PROVING_APP[file] };
          assertProven(await runApp({ ...app, ...FLAGS['--import'] }));
        });
      }
    }
  }
});
