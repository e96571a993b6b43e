import assert from 'node:assert/strict';
import { runApp } from '../pack/app-run.ts';
import { cachedInstall, INSTALL_TIMEOUT_MS, NODE_VERSIONS, nodeExecutable } from '../pack/cached-install.ts';
import { assertProven, FLAGS, PROVING_APP, type ProvingApp } from '../pack/proving-app.ts';
import { packAll } from '../pack/tarballs.ts';

/** By what mocha prints; undefined is the Node that runs the tests. */
const NODES: Readonly<Record<string, string | undefined>> = {
  'this Node': undefined,
  ...Object.fromEntries(Object.entries(NODE_VERSIONS).map(([major, version]) => [`Node ${major}`, version])),
};

/** An app that has nothing to do with the toolkit. */
const CLEAN_APP = {
  'clean.mjs': "import http from 'node:http';\nconsole.log(typeof http.request);\n",
  'clean.cjs': "console.log(typeof require('node:http').request);\n",
};

describe('the packed packages', function () {
  this.timeout(INSTALL_TIMEOUT_MS);

  let install: string;

  before(async () => {
    const tarballs = await packAll();
    try {
      install = await cachedInstall({ '@opentelemetry/api': '1.9.1', winston: '3.19.0' }, tarballs.paths);
    } finally {
      tarballs.remove();
    }
  });

  for (const [title, version] of Object.entries(NODES)) {
    describe(`on ${title}`, () => {
      let node: string | undefined;

      before(async () => {
        node = version === undefined ? undefined : await nodeExecutable(version);
      });

      for (const [flag, how] of Object.entries(FLAGS)) {
        for (const file of Object.keys(PROVING_APP) as ProvingApp[]) {
          it(`${file} with ${flag}: files, metrics, exit code, clean stderr`, async () => {
            assertProven(await runApp({ node, install, file, source: PROVING_APP[file], ...how }));
          });
        }

        for (const [file, source] of Object.entries(CLEAN_APP)) {
          it(`${file} with ${flag}: an app without tasks prints what it prints alone, and ends`, async () => {
            const run = await runApp({ node, install, file, source, ...how });
            assert.deepEqual([run.code, run.signal, run.stdout, run.stderr], [0, null, 'function\n', '']);
          });
        }
      }

      it('keeps exit codes, the effect of signals, and the trace of an uncaught error', async () => {
        const shared = { node, install, file: 'end.mjs', ...FLAGS['--import'] };
        const exit = await runApp({ ...shared, source: 'process.exit(7);\n' });
        assert.deepEqual([exit.code, exit.stderr], [7, '']);
        const signal = await runApp({
          ...shared,
          source: "setInterval(() => {}, 1000);\nprocess.kill(process.pid, 'SIGTERM');\n",
        });
        assert.deepEqual([signal.signal, signal.stderr], ['SIGTERM', '']);
        const error = await runApp({
          ...shared,
          source: "setTimeout(() => { throw new Error('uncaught here'); }, 5);\n",
        });
        assert.equal(error.code, 1);
        assert.match(error.stderr, /uncaught here/);
      });
    });
  }
});
