/** A receiver that goes away and comes back, as the exporters live it: nothing lost, nothing doubled, in order. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from './collector-stand-in.test.ts';
import { DeliveryReport } from './delivery-report.ts';
import { flushAtExit } from './exit/exit-flush.ts';
import type { OtlpTarget } from './otlp-config.ts';
import type { SendResult } from './send-result.ts';
import { SpanExportProcessor } from './span-export-processor.ts';
import { LazySpool } from './spool/lazy-spool.ts';
import { itemOf, tempFolder, textsBelow } from './spool/spool.test.fixture.ts';

const collector = new CollectorStandIn();

describe('an outage of the receiver', function () {
  this.timeout(60_000);
  let dir: ReturnType<typeof tempFolder>;
  let root: string;
  let warnings: string[];
  let ended: number;
  const open: { processor: SpanExportProcessor; spool: LazySpool }[] = [];
  beforeEach(async () => {
    dir = tempFolder();
    root = join(dir.path, 'spool');
    ended = 0;
    warnings = [];
    state.warn = (message) => warnings.push(message);
    state.dropped.clear();
    state.delivery.clear();
    clearReports();
    collector.received.length = 0;
    collector.answer = OK;
    await collector.start();
  });
  afterEach(async () => {
    for (const { processor, spool } of open.splice(0)) {
      await processor.shutdown(0);
      await spool.close();
    }
    state.warn = undefined;
    await collector.stop();
    dir.remove();
  });

  /** An application with spans only, at its start. */
  function start(
    changes: Partial<OtlpTarget> & { service?: string } = {},
    spoolBytes = 64 * 1024 * 1024,
    maxBytes?: number,
  ) {
    const { service = 'shop' } = changes;
    const spool = new LazySpool({ directory: dir.path, maxBytes: spoolBytes, service });
    const processor = new SpanExportProcessor(collector.target('traces', changes), {
      spool,
      maxBytes,
      delayMs: 5,
      backoffMs: 20,
    });
    const resource = resourceFromAttributes({ 'service.name': 'outage' });
    const tracer = new BasicTracerProvider({ resource, spanProcessors: [processor] }).getTracer('t');
    const app = {
      processor,
      spool,
      /** Ends `count` more spans. */
      end: (count: number): void => {
        for (let at = 0; at < count; at += 1) tracer.startSpan(`s${ended++}`).end();
      },
    };
    open.push(app);
    return app;
  }

  /** All spans that ended have arrived, each once, in the order in which they ended. */
  function assertComplete(): void {
    assert.deepEqual(
      collector.spanNames(),
      Array.from({ length: ended }, (_, at) => `s${at}`),
    );
    assert.equal(state.dropped.size, 0);
  }

  async function allArrived(): Promise<void> {
    await collector.until(() => collector.spanNames().length >= ended);
  }

  async function until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  it('loads nothing and makes no folder while there is none', async () => {
    const { processor, spool, end } = start();
    spool.watch();
    end(1000);
    assert.equal(await processor.forceFlush().then(() => spool.current), undefined);
    assert.ok(!existsSync(root));
    assertComplete();
  });

  it('loses, doubles and disorders nothing, and holds nothing in memory', async () => {
    const { processor, spool, end } = start();
    end(600);
    await allArrived();
    await collector.stop();
    let mostBytes = 0;
    for (let round = 0; round < 20; round += 1) {
      end(1000);
      await until(() => state.delivery.get('spans')?.spoolBytes !== 0 && processor.bytesInMemory === 0);
      mostBytes = Math.max(mostBytes, processor.bytesInMemory);
    }
    assert.equal(mostBytes, 0);
    assert.ok((state.delivery.get('spans')?.spoolBytes ?? 0) > 0);
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0] ?? '', /cannot be delivered now: .*ECONNREFUSED.*on disk in .*spool, up to 64 MiB/);
    await collector.start();
    // What ends from now on stands behind what waits.
    end(700);
    await allArrived();
    assertComplete();
    assert.match(
      warnings[1] ?? '',
      /^delivery to http:\/\/127\.0\.0\.1:\d+ works again, [\d.]+ [KM]iB wait and are being sent$/,
    );
    assert.equal(collector.mostAtOnce, 1);
    await until(() => spool.opened('spans')?.isEmpty === true);
    assert.equal(state.delivery.get('spans')?.spoolOldestMs, undefined);
    end(10);
    await allArrived();
    assertComplete();
  });

  it('waits as long as Retry-After says before it asks again', async () => {
    const askedAt: number[] = [];
    collector.answer = (response, index) => {
      askedAt.push(performance.now());
      if (askedAt.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else OK(response, index);
    };
    const { end } = start();
    end(512 * 3);
    await allArrived();
    assertComplete();
    assert.ok((askedAt[1] ?? 0) - (askedAt[0] ?? 0) >= 990, 'one request, though three were waiting');
  });

  it('is survived over a restart: the next process sends it, and its own behind', async () => {
    const first = start();
    await collector.stop();
    first.end(1500);
    await first.processor.forceFlush();
    await first.processor.shutdown();
    await first.spool.close();
    await collector.start();
    assert.match(readdirSync(root).join(), /^v1\.free\.of-[0-9a-f]{8}\.[0-9a-z]+$/);
    const second = start();
    second.spool.watch();
    await allArrived();
    assertComplete();
    await until(() => readdirSync(root).length === 0);
    assert.equal(state.delivery.get('spans')?.spoolBytes, 0);
  });

  it('of one of two services that share a folder is not sent to the receiver of the other', async () => {
    const first = start();
    await collector.stop();
    first.end(10);
    await first.processor.shutdown();
    await first.spool.close();
    const [left] = readdirSync(root);
    const other = new CollectorStandIn();
    await other.start();
    const foreign = start({ url: other.target('traces').url, service: 'mail' });
    await foreign.spool.load()?.claim();
    await collector.start();
    const second = start({ headers: { authorization: 'another than before' } });
    await second.spool.load()?.claim();
    await allArrived();
    assertComplete();
    assert.deepEqual([other.asked, typeof left], [0, 'string']);
    await other.stop();
  });

  it('is survived over the end of the process in the middle of it', async () => {
    const first = start();
    await collector.stop();
    first.end(512);
    await until(() => (state.delivery.get('spans')?.spoolBytes ?? 0) > 0);
    // These are in memory, or being written, when the end comes.
    first.end(5000);
    flushAtExit([first.processor], first.spool);
    assert.equal(first.processor.bytesInMemory, 0);
    await collector.start();
    const second = start();
    second.spool.watch();
    await allArrived();
    assertComplete();
  });

  it('flushes at once when asked, and says what is left', async () => {
    const { processor, spool, end } = start();
    collector.answer = (response) => response.writeHead(503, { 'retry-after': '200' }).end();
    end(10);
    await processor.forceFlush();
    assert.equal(spool.opened('spans')?.isEmpty, false);
    collector.answer = OK;
    await processor.forceFlush();
    assert.equal(spool.opened('spans')?.isEmpty, true);
    assertComplete();
  });

  it('keeps what a wrong token made undeliverable, with one clear warning', async () => {
    let token = 'wrong';
    collector.answer = (response, index) => {
      if (token === 'right') OK(response, index);
      else response.writeHead(401).end();
    };
    const { processor, end } = start();
    for (let round = 0; round < 3; round += 1) {
      end(600);
      await processor.forceFlush();
    }
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0] ?? '', /HTTP 401.*OTEL_EXPORTER_OTLP_HEADERS.*on disk/);
    token = 'right';
    await processor.forceFlush();
    assertComplete();
  });

  it('sets aside what is refused for good, once counted, once warned, and can be asked to send it again', async () => {
    collector.answer = (response) => response.writeHead(400).end('no');
    const { processor, spool, end } = start();
    end(1000);
    await processor.forceFlush();
    assert.equal(state.dropped.get('spans')?.get('refused'), 1000);
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.equal(textsBelow(join(root, 'refused')).length, 2);
    collector.answer = OK;
    const { renameSync } = await import('node:fs');
    renameSync(join(root, 'refused'), join(root, 'v1.free.resend'));
    await spool.load()?.claim();
    await allArrived();
    assert.equal(new Set(collector.spanNames()).size, 1000);
  });

  for (const protocol of ['http/json', 'http/protobuf'] as const) {
    it(`sends in halves what is too large, in ${protocol}`, async () => {
      collector.answer = (response, index) => {
        // A batch has 512; its body has more than 40 kB.
        if (Number(response.req.headers['content-length']) > 20_000) response.writeHead(413).end();
        else OK(response, index);
      };
      const { processor, end } = start({ protocol });
      end(1024);
      await processor.forceFlush();
      assert.equal(state.dropped.size, 0);
      assert.ok(collector.received.length > 2);
      if (protocol === 'http/json') assertComplete();
    });
  }

  it('puts on disk what a slow receiver lets wait, behind what it is taking', async () => {
    let answerFirst = (): void => {};
    let isFirst = true;
    collector.answer = (response, index) => {
      if (isFirst) answerFirst = () => OK(response, index);
      else OK(response, index);
      isFirst = false;
    };
    const { processor, spool, end } = start({}, 64 * 1024 * 1024, 2_000_000);
    const asked = collector.asked + 1;
    end(256);
    await until(() => collector.asked === asked);
    for (let round = 0; round < 20; round += 1) {
      end(256);
      await until(() => processor.bytesInMemory < 1_100_000);
    }
    assert.equal(spool.opened('spans')?.isEmpty, false);
    assert.equal(collector.asked, asked, 'nothing overtakes the first');
    answerFirst();
    await allArrived();
    assertComplete();
  });

  it('counts what a receiver rejected of a request that it took', async () => {
    const answer = { partialSuccess: { rejectedSpans: '3', errorMessage: 'too old' } };
    collector.answer = (response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    const { processor, end } = start();
    end(10);
    await processor.forceFlush();
    end(10);
    await processor.forceFlush();
    assert.equal(state.dropped.get('spans')?.get('refused'), 6);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /3 spans refused by a receiver that took the others: too old/);
  });

  it('keeps to its limit, and counts what it drops', async () => {
    await collector.stop();
    const { processor, end } = start({}, 16 * 4096);
    for (let round = 0; round < 30; round += 1) {
      end(512);
      await processor.forceFlush();
    }
    const spoolBytes = state.delivery.get('spans')?.spoolBytes ?? 0;
    assert.ok(spoolBytes > 0 && spoolBytes <= 16 * 4096);
    const lost = state.dropped.get('spans')?.get('spool_full') ?? 0;
    assert.ok(lost > 0);
    await collector.start();
    await processor.forceFlush();
    assert.deepEqual(
      collector.spanNames(),
      Array.from({ length: ended - lost }, (_, at) => `s${at + lost}`),
      'the oldest went',
    );
  });

  it('leaves it in memory where there is no disk', async () => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(root, 'a file in the way');
    await collector.stop();
    const { processor, end } = start();
    end(2000);
    await processor.forceFlush();
    assert.ok(processor.bytesInMemory > 0);
    assert.equal(readFileSync(root, 'utf8'), 'a file in the way');
    await collector.start();
    await processor.forceFlush();
    assertComplete();
    assert.ok(warnings.some((warning) => /the spool in .* cannot be written/.test(warning)));
  });

  it('puts on disk what waits for a receiver that hangs, what it was sent too, and sends none of it twice', async () => {
    const { processor, end } = start();
    const { asked } = collector;
    const hung: (() => void)[] = [];
    collector.answer = (response, index) => hung.push(() => OK(response, index));
    end(10);
    await until(() => hung.length === 1);
    end(1500);
    await until(() => textsBelow(dir.path).length === 4 && processor.bytesInMemory < 100_000);
    const onDisk = textsBelow(dir.path).join();
    for (let at = 0; at < ended; at += 1) assert.ok(onDisk.includes(`"s${at}"`), `s${at}`);
    assert.equal(collector.asked - asked, 1, 'nothing of it is sent meanwhile');
    collector.answer = OK;
    hung[0]?.();
    await allArrived();
    await until(() => textsBelow(root).length === 0);
    assertComplete();
  });

  it('sends once more, and from the disk, what a receiver that hung has not taken', async () => {
    const { end } = start({ timeoutMs: 1300 });
    collector.answer = () => {};
    end(10);
    await until(() => warnings.length > 0);
    assert.equal(textsBelow(root).length, 1);
    collector.received.length = 0;
    collector.answer = OK;
    await allArrived();
    assertComplete();
  });

  it('is over for all signals of a receiver as soon as one gets through, whatever their waits', async () => {
    const spool = new LazySpool({ directory: dir.path, maxBytes: 64 * 1024 * 1024 });
    let isAway = true;
    let arrived: () => void = () => {};
    const logsArrived = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const reports = (['spans', 'logs', 'metrics'] as const).map((signal) => {
      const report = new DeliveryReport(signal);
      const receiver = signal === 'metrics' ? 'another' : 'the same';
      const post = async (): Promise<SendResult> => {
        if (isAway) return { kind: 'retryable', reason: 'away' };
        assert.equal(signal, 'logs');
        arrived();
        return { kind: 'delivered' };
      };
      spool.connect({ report, receiver, post, backoffMs: 600_000 });
      report.waiting('away', 'on disk');
      return report;
    });
    for (const signal of ['logs', 'metrics'] as const) {
      const lane = spool.open(signal);
      await lane?.put(itemOf(0));
      lane?.wake({ kind: 'retryable', reason: 'away' });
    }
    isAway = false;
    reports[0]?.accepted({ kind: 'delivered' });
    await logsArrived;
    await spool.close();
  });
});
