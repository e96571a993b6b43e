/** Loads that fit into a build; `load.bench.ts` has the large ones, and figures. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorServer } from './harness/collector-server.ts';
import { Load } from './harness/load.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

const RUNS = 2000;

describe(`${RUNS} runs as fast as they go`, () => {
  let scratch: ScratchFolder;
  let collector: CollectorServer;
  beforeEach(async () => {
    scratch = new ScratchFolder();
    collector = await CollectorServer.start(scratch.folder('collector'));
  });
  afterEach(async () => {
    await collector?.stop();
    scratch.remove();
  });

  for (const [filesPerHour, files] of [
    ['unlimited', RUNS],
    // As many runs as the budget have files of their own, the others share one.
    ['500', 501],
  ] as const) {
    it(`are all in the Collector's files, with ${filesPerHour} files an hour`, async () => {
      const load = new Load({ runs: RUNS, collector, filesPerHour, folder: scratch.folder('app') });
      const result = await load.finish();
      assert.equal(result.files, files);
    });
  }
});
