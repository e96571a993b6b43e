import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDeliveryConfig } from '@taskspan/delivery/config';
import { after, afterEach, before, describe, it } from 'mocha';
import { selfSigned } from './certificate.test.fixture.ts';
import type { Finding } from './doctor-finding.ts';
import { examineReceivers } from './doctor-receivers.ts';

describe('examineReceivers', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  async function listen(server: Server): Promise<string> {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function receiver(answer: RequestListener): Promise<string> {
    return `http://${await listen(createServer((request, response) => answer(request.resume(), response)))}`;
  }

  function look(endpoint: string, env: Readonly<Record<string, string>> = {}): Promise<Finding[]> {
    return examineReceivers(readDeliveryConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env }));
  }

  it('says nothing where nothing is sent', async () => {
    assert.deepEqual(await examineReceivers(readDeliveryConfig({})), []);
  });

  it('asks with the headers and to the paths of the application, and shows no password', async () => {
    const asked: string[] = [];
    const endpoint = await receiver(({ url, headers, method }, response) => {
      asked.push(`${method} ${url} ${headers['x-token']}`);
      response.end('{}');
    });
    const findings = await look(endpoint.replace('//', '//me:secret@'), {
      OTEL_EXPORTER_OTLP_HEADERS: 'x-token=right',
    });
    const shown = endpoint.replace('//', '//***@');
    assert.deepEqual(findings, [
      { level: 'fine', topic: 'OTLP endpoint', found: `${shown} takes traces, metrics and logs` },
    ]);
    assert.deepEqual(asked.sort(), ['POST /v1/logs right', 'POST /v1/metrics right', 'POST /v1/traces right']);
  });

  it('finds a wrong token broken, in the words of the warning', async () => {
    const endpoint = await receiver((_, response) => response.writeHead(401).end());
    assert.deepEqual(await look(endpoint), [
      {
        level: 'broken',
        topic: 'OTLP endpoint',
        found: `traces, metrics and logs cannot be delivered now: ${endpoint}/v1/traces: HTTP 401 (the token is missing or wrong: look at OTEL_EXPORTER_OTLP_HEADERS)`,
      },
    ]);
  });

  it('finds a wrong path broken', async () => {
    const endpoint = await receiver(({ url }, response) => {
      response.writeHead(/^\/v1\/\w+$/.test(url ?? '') ? 200 : 404).end();
    });
    const [finding] = await look(`${endpoint}/v1/traces`);
    assert.equal(finding?.level, 'broken');
    assert.match(
      finding?.found ?? '',
      /HTTP 404 .*nobody takes this signal there: look at OTEL_EXPORTER_OTLP_ENDPOINT/,
    );
  });

  it('names the signals that are taken, and how to send the others elsewhere', async () => {
    const endpoint = await receiver(({ url }, response) => {
      response.writeHead(url === '/v1/traces' ? 200 : 404).end();
    });
    const [taken, others, ...more] = await look(endpoint);
    assert.deepEqual(taken, { level: 'fine', topic: 'OTLP endpoint', found: `${endpoint} takes traces` });
    assert.equal(others?.level, 'broken');
    assert.match(others?.found ?? '', /^metrics and logs cannot be delivered now: .*HTTP 404/);
    assert.match(others?.fix ?? '', /set OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none, or .*_LOGS_ENDPOINT$/);
    assert.equal(more.length, 0);
  });

  it('looks at each receiver', async () => {
    const [good, bad] = [
      await receiver((_, response) => response.end()),
      await receiver((_, r) => r.writeHead(422).end()),
    ];
    const findings = await look(good, { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: bad });
    assert.deepEqual(findings[0]?.found, `${good} takes traces and metrics`);
    assert.match(findings[1]?.found ?? '', /^logs are refused for good: .*HTTP 422/);
  });

  describe('over TLS', () => {
    const certificate = selfSigned();
    let dir: string;
    before(() => {
      dir = mkdtempSync(join(tmpdir(), 'taskspan-tls-'));
      writeFileSync(join(dir, 'cert.pem'), certificate.cert);
    });
    after(() => rmSync(dir, { recursive: true }));

    async function secure(): Promise<string> {
      return listen(createSecure({ ...certificate }, (request, response) => request.resume() && response.end()));
    }

    it('trusts the certificate that the application trusts', async () => {
      const [finding] = await look(`https://${await secure()}`, {
        OTEL_EXPORTER_OTLP_CERTIFICATE: join(dir, 'cert.pem'),
      });
      assert.equal(finding?.level, 'fine', finding?.found);
    });

    it('says what to look at without it, and when the scheme is the wrong one', async () => {
      const address = await secure();
      const [unknown] = await look(`https://${address}`);
      assert.match(unknown?.found ?? '', /DEPTH_ZERO_SELF_SIGNED_CERT \(.*OTEL_EXPORTER_OTLP_CERTIFICATE\)/);
      const plain = await receiver((_, response) => response.end());
      const [wrong] = await look(plain.replace('http:', 'https:'));
      assert.match(wrong?.found ?? '', /\(TLS is not spoken there: look at http or https/);
      assert.deepEqual([unknown?.level, wrong?.level], ['broken', 'broken']);
      assert.deepEqual([unknown?.fix, wrong?.fix], [undefined, undefined], 'it is said already');
    });
  });
});
