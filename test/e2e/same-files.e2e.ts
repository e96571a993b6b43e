/** The process and the Collector write the same files: what one tree says of a run, the other says, record for record. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppProcess } from './harness/app-process.ts';
import { CollectorServer } from './harness/collector-server.ts';
import { poll } from './harness/poll.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';
import { treeContent, treeDifferences } from './harness/tree-content.ts';

const APPS: Readonly<
  Record<string, { readonly app: string; readonly args?: string[]; readonly env?: Record<string, string> }>
> = {
  'runs with every end': { app: 'every-end.mjs', args: ['5'] },
  'ids, texts and values that formats disagree about': { app: 'hostile-texts.mjs' },
  'the same through protobuf': { app: 'hostile-texts.mjs', env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' } },
  'the same packed by gzip': { app: 'hostile-texts.mjs', env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' } },
  'runs beyond the budget of files': { app: 'every-end.mjs', args: ['5'], env: { TASKSPAN_RUN_FILES_PER_HOUR: '10' } },
};

describe('files of the process and files of the Collector', () => {
  let scratch: ScratchFolder;
  before(() => {
    scratch = new ScratchFolder();
  });
  after(() => scratch.remove());

  for (const [name, { app, args = [], env = {} }] of Object.entries(APPS)) {
    it(`are equal: ${name}`, async () => {
      const collector = await CollectorServer.start(scratch.folder(name, 'collector'));
      try {
        const folder = scratch.folder(name, 'app');
        const process = new AppProcess({ app, args, folder, env: { ...collector.appEnvironment, ...env } });
        const { code, stderr } = await process.finish();
        assert.equal(code, 0, stderr);
        const one = { name: 'the process', content: treeContent(join(folder, 'logs')) };
        assert.ok(one.content.size > 10);
        await poll('equal trees', () => {
          const other = { name: 'the Collector', content: treeContent(collector.logsFolder) };
          const differences = treeDifferences(one, other);
          assert.deepEqual(differences.slice(0, 10), [], `${differences.length} differences`);
        });
      } finally {
        await collector.stop();
      }
    });
  }
});
