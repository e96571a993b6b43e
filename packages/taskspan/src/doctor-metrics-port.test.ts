import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessFile } from '@taskspan/metrics';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { examineMetricsPort } from './doctor-metrics-port.ts';

describe('examineMetricsPort', () => {
  let dir: string;
  let taken: Server;
  let port: number;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'taskspan-port-'));
    taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    port = (taken.address() as AddressInfo).port;
  });
  afterEach(() => {
    taken.close();
    rmSync(dir, { recursive: true });
  });

  async function found(directory: string | undefined = dir): Promise<string> {
    const finding = await examineMetricsPort({ host: '127.0.0.1', port }, directory);
    assert.equal(finding.level, 'fine');
    return finding.found;
  }

  it('says which process of ours holds it', async () => {
    const file = new ProcessFile({ dir, instance: 'abcdefgh', service: 'shop' });
    file.write(`http://127.0.0.1:${port}/metrics`);
    const by = new RegExp(
      `^127\\.0\\.0\\.1:${port} is taken by shop \\(pid ${process.pid}, since \\d{4}-.*Z\\); the next`,
    );
    assert.match(await found(), by);
  });

  it('says no more than it knows: of strangers, of the dead, and of what cannot be read', async () => {
    const unknown = `127.0.0.1:${port} is taken; the next free one will be used`;
    assert.equal(await found(), unknown);
    assert.equal(await found(undefined), unknown);
    const folder = join(dir, 'processes');
    mkdirSync(folder);
    const entry = {
      instance: 'a',
      host: hostname(),
      service: 'shop',
      started_at: '',
      metrics_url: 'http://127.0.0.1:1/',
    };
    writeFileSync(join(folder, 'broken.json'), '{');
    writeFileSync(join(folder, 'other.json'), JSON.stringify({ ...entry, pid: process.pid }));
    const url = `http://127.0.0.1:${port}/metrics`;
    writeFileSync(join(folder, 'dead.json'), JSON.stringify({ ...entry, pid: 9_999_999, metrics_url: url }));
    assert.equal(await found(), unknown);
  });

  it('is free when it is', async () => {
    taken.close();
    await once(taken, 'close');
    assert.equal(await found(), `127.0.0.1:${port} is free`);
  });
});
