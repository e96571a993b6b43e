import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from '../collector-stand-in.test.ts';
import { probe } from './otlp-probe.ts';

const collector = new CollectorStandIn();

describe('probe', () => {
  beforeEach(async () => {
    collector.received.length = 0;
    collector.answer = OK;
    await collector.start();
  });
  afterEach(() => collector.stop());

  for (const protocol of ['http/json', 'http/protobuf'] as const) {
    it(`sends nothing, as data is sent, in ${protocol}`, async () => {
      const changes = { protocol, headers: { authorization: 'Bearer token' }, compression: 'gzip' } as const;
      assert.deepEqual(await probe('traces', collector.target('traces', changes)), { kind: 'delivered' });
      const [request] = collector.received;
      assert.equal(request?.path, '/v1/traces');
      assert.equal(request?.headers.authorization, 'Bearer token');
      assert.equal(request?.headers['content-encoding'], 'gzip');
      if (protocol === 'http/json') assert.deepEqual(request?.json, { resourceSpans: [] });
      else assert.equal(request?.body.byteLength, 0);
    });
  }

  it('says what would become of data', async () => {
    collector.answer = (response) => response.writeHead(401).end();
    const wrong = await probe('logs', collector.target('logs'));
    assert.ok(wrong.kind === 'retryable' && /HTTP 401 \(.*OTEL_EXPORTER_OTLP_HEADERS\)/.test(wrong.reason));
    const absent = await probe(
      'logs',
      collector.target('logs', { url: 'https://localhost', certificate: 'absent.pem' }),
    );
    assert.ok(absent.kind === 'retryable' && /absent\.pem.*OTEL_EXPORTER_OTLP_CERTIFICATE/.test(absent.reason));
  });
});
