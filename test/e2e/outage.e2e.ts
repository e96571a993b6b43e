/** A Collector that is away for a while under load; `load.bench.ts` has the minute at 500 runs a second. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorServer } from './harness/collector-server.ts';
import { Outage } from './harness/outage.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

describe('an outage under 300 runs a second', () => {
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

  it('loses nothing, doubles nothing, keeps the order, and does not grow the memory of the app', async () => {
    const load = { perSecond: 300, beforeSeconds: 4, awaySeconds: 10, afterSeconds: 6 };
    const result = await new Outage(collector, { ...load, folder: scratch.folder('app') }).pass();
    assert.deepEqual([result.doubledRecords, result.doubledSpans, result.unorderedRuns], [0, 0, 0]);
    assert.ok(result.spoolBytes > 100_000, `${result.spoolBytes} bytes waited on disk`);
    assert.ok(result.spoolOldestSeconds >= 5, `${result.spoolOldestSeconds} s`);
    // What came in meanwhile would take 60 MiB as objects. When all is over, the heap has grown with what was sent again.
    const [before = 0, ...later] = result.mebibytes.slice(2, load.beforeSeconds + load.awaySeconds);
    assert.ok(Math.max(...later) < before + 40, result.mebibytes.join(' '));
    assert.ok(Math.max(...result.mebibytes) < before + 120, result.mebibytes.join(' '));
  });
});
