/** Every way in which the docs start the Collector, Jaeger or Prometheus: their own programs say that the files are right. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { ROOT } from '../house/source-tree.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';
import { serverBinaries } from './harness/server-binaries.ts';

const execute = promisify(execFile);

const MAIN = 'otel-collector-config.yaml';
const [AGENT, GATEWAY, AUTH, TLS] = ['agent', 'gateway', 'auth', 'tls'].map((name) => `collector/${name}.yaml`) as [
  string,
  string,
  string,
  string,
];

const COMBINATIONS: readonly (readonly string[])[] = [
  [MAIN],
  [MAIN, AUTH],
  [MAIN, TLS],
  [MAIN, AUTH, TLS],
  [MAIN, GATEWAY],
  [MAIN, GATEWAY, AUTH],
  [MAIN, GATEWAY, AUTH, TLS],
  [MAIN, GATEWAY, 'collector/gateway-kafka.yaml'],
  [AGENT],
  [AGENT, AUTH],
  [AGENT, 'collector/agent-auth.yaml'],
  [AGENT, AUTH, TLS, 'collector/agent-auth.yaml'],
  [AGENT, 'collector/agent-kafka.yaml'],
];

describe('config files', () => {
  let scratch: ScratchFolder;
  let env: Readonly<Record<string, string>>;
  before(() => {
    scratch = new ScratchFolder();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = join(scratch.path, 'key.pem');
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    env = { COLLECTOR_TOKEN: 'one', COLLECTOR_GATEWAY_TOKEN: 'two', COLLECTOR_TLS_CERT: key, COLLECTOR_TLS_KEY: key };
  });
  after(() => scratch.remove());

  for (const files of COMBINATIONS) {
    it(`are valid: ${files.join(' with ')}`, async () => {
      const { otelcol } = await serverBinaries();
      const args = files.flatMap((file) => ['--config', join(ROOT, file)]);
      await execute(otelcol, ['validate', ...args], { cwd: scratch.path, env });
    });
  }

  it('without a token that is asked for are not', async () => {
    const { otelcol } = await serverBinaries();
    const args = [MAIN, AUTH].flatMap((file) => ['--config', join(ROOT, file)]);
    await assert.rejects(execute(otelcol, ['validate', ...args], { cwd: scratch.path, env: {} }), /no bearer token/);
  });

  it('are valid: collector/jaeger.yaml', async () => {
    const { jaeger } = await serverBinaries();
    await execute(jaeger, ['validate', '--config', join(ROOT, 'collector/jaeger.yaml')], { env });
  });

  it('are valid: collector/prometheus.yml', async () => {
    const { promtool } = await serverBinaries();
    const { stdout } = await execute(promtool, ['check', 'config', join(ROOT, 'collector/prometheus.yml')]);
    assert.match(stdout, /SUCCESS/);
  });
});
