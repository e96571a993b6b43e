import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { LazySpool, SpanExportProcessor } from '@taskspan/delivery';
import { type DeliveryConfig, readDeliveryConfig } from '@taskspan/delivery/config';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { Collector } from './collector.test.fixture.ts';
import type { Finding } from './doctor-finding.ts';
import { examineSpool } from './doctor-spool.ts';

const SENDING = readDeliveryConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' });

describe('examineSpool', () => {
  let dir: string;
  let root: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'taskspan-doctor-'));
    root = join(dir, 'spool');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  function leave(folder: string, signals: readonly string[]): void {
    mkdirSync(join(root, folder), { recursive: true });
    for (const [at, signal] of signals.entries()) {
      writeFileSync(join(root, folder, `00000000000000${at}-1763727000000.${signal}.5.json.gz`), 'body');
    }
  }

  async function only(delivery: DeliveryConfig = SENDING): Promise<Finding> {
    const [finding, ...more] = await examineSpool({ directory: dir, service: 'shop', delivery });
    assert.equal(more.length, 0, JSON.stringify(more));
    assert.ok(finding !== undefined);
    return finding;
  }

  it('says that nothing waits, where something is sent', async () => {
    assert.deepEqual(await only(), { level: 'fine', topic: 'spool', found: `nothing waits in ${root}` });
    assert.deepEqual(await examineSpool({ directory: dir, service: 'shop', delivery: readDeliveryConfig({}) }), []);
  });

  it('says what processes that are gone have left, and who sends it', async () => {
    leave('v1.free.again', ['logs', 'spans']);
    const { level, found, fix } = await only();
    assert.deepEqual(
      [level, found],
      ['warning', `2 requests, 8 KiB (logs, spans) wait in ${root}, left by 1 process that is gone`],
    );
    assert.match(fix ?? '', /^the application sends it at its next start/);
  });

  it('says what another service has left, and what is needed where no endpoint is set', async () => {
    leave('v1.free.of-00000000.a', ['logs']);
    leave('v1.ffffffff.12.34.0.of-00000000.b', ['logs']);
    const { found, fix } = await only();
    assert.match(found, /left by 2 processes that are gone or on another machine \(pid 12\), of another service$/);
    assert.match(fix ?? '', /^a process of that service sends it/);
    rmSync(root, { recursive: true });
    leave('v1.free.again', ['logs']);
    const silent = await only(readDeliveryConfig({}));
    assert.match(silent.fix ?? '', /OTEL_EXPORTER_OTLP_ENDPOINT/);
  });

  it('says what a running process has, which is its own to send', async () => {
    const gone = new Collector();
    const delivery = readDeliveryConfig({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: await gone.start() });
    gone.stop();
    assert.ok(delivery.traces !== undefined);
    const spool = new LazySpool({ directory: dir, maxBytes: 1024 * 1024, service: 'shop' });
    const processor = new SpanExportProcessor(delivery.traces, { spool });
    new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('t').startSpan('s').end();
    await processor.forceFlush();
    const { level, found } = await only(delivery);
    assert.equal(level, 'fine');
    assert.equal(found, `1 request, 4 KiB (spans) waits in ${root}, of 1 process that is running (pid ${process.pid})`);
    await processor.shutdown();
    await spool.close();
    assert.match((await only(delivery)).found, /left by 1 process that is gone$/);
  });

  it('says what was refused, where it lies, and how to have it sent again', async () => {
    leave('refused', ['logs', 'logs', 'logs']);
    const [spool, refused] = await examineSpool({ directory: dir, service: 'shop', delivery: SENDING });
    assert.equal(spool?.level, 'fine');
    assert.equal(refused?.found, `3 requests, 12 KiB, refused for good by a receiver: ${join(root, 'refused')}`);
    assert.match(refused?.fix ?? '', /mv '.*refused' '.*v1\.free\.again'$/);
  });
});
