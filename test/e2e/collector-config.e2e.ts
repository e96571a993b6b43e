/** Every way in which the docs start the Collector, Jaeger or Prometheus: their own programs say that the files are right. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { ROOT } from '../house/source-tree.ts';
import { CollectorServer } from './harness/collector-server.ts';
import { JobLogTree } from './harness/job-log-tree.ts';
import { type OtlpAttribute, OtlpClient, otlpAttributes } from './harness/otlp-client.ts';
import { poll } from './harness/poll.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';
import { serverBinaries } from './harness/server-binaries.ts';

const execute = promisify(execFile);

const MAIN = 'otel-collector-config.yaml';
const AGENT = 'collector/agent.yaml';
const AGENT_AUTH = 'collector/agent-auth.yaml';
const GATEWAY = 'collector/gateway.yaml';
const AUTH = 'collector/auth.yaml';
const TLS = 'collector/tls.yaml';

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
  [AGENT, AGENT_AUTH],
  [AGENT, AUTH, TLS, AGENT_AUTH],
  [AGENT, 'collector/agent-kafka.yaml'],
];

/** What the tests look at of a line of a file. */
interface WrittenLogs {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeLogs: readonly {
      readonly scope: { readonly attributes?: readonly OtlpAttribute[] };
      readonly schemaUrl?: string;
      readonly logRecords: readonly {
        readonly body: { readonly stringValue: string };
        readonly attributes: readonly OtlpAttribute[];
      }[];
    }[];
  }[];
}

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

  for (const { files, name } of [
    { files: [MAIN, AUTH], name: 'COLLECTOR_TOKEN' },
    { files: [AGENT, AGENT_AUTH], name: 'COLLECTOR_GATEWAY_TOKEN' },
    { files: [AGENT, AUTH, AGENT_AUTH], name: 'COLLECTOR_GATEWAY_TOKEN' },
  ]) {
    it(`are not without ${name}, or with an empty one: ${files.join(' with ')}`, async () => {
      const { otelcol } = await serverBinaries();
      const args = files.flatMap((file) => ['--config', join(ROOT, file)]);
      const { [name]: _left, ...others } = env;
      for (const poor of [others, { ...env, [name]: '' }]) {
        const run = execute(otelcol, ['validate', ...args], { cwd: scratch.path, env: poor });
        await assert.rejects(run, /no bearer token provided/);
      }
    });
  }

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

describe('a Collector', () => {
  let scratch: ScratchFolder;
  let collector: CollectorServer | undefined;
  beforeEach(() => {
    scratch = new ScratchFolder();
  });
  afterEach(async () => {
    await collector?.stop();
    collector = undefined;
    scratch.remove();
  });

  for (const [what, { token, accepted, refused }] of Object.entries({
    'each token of several lines': { token: 'old\nnew', accepted: ['old', 'new'], refused: ['other', ''] },
    'what stands before a space': { token: 'old new', accepted: ['old'], refused: ['new', 'old new'] },
    'one dollar for two, and a number as it is written': {
      token: 'a$b$$c\n010',
      accepted: ['a$b$c', '010'],
      refused: ['a$b$$c', '8'],
    },
  })) {
    it(`with a token takes ${what}`, async () => {
      const options = { configs: [join(ROOT, AUTH)], env: { COLLECTOR_TOKEN: token } };
      collector = await CollectorServer.start(scratch.folder('collector'), options);
      const client = new OtlpClient(collector.endpoint);
      const statusOf = async (one: string): Promise<number> =>
        (await client.post({ signal: 'logs', body: {}, headers: { authorization: `Bearer ${one}` } })).status;
      for (const one of accepted) assert.equal(await statusOf(one), 200, one);
      for (const one of refused) assert.equal(await statusOf(one), 401, one);
    });
  }

  it('keeps scopes of one name and version apart that differ in attributes or schema', async () => {
    collector = await CollectorServer.start(scratch.folder('collector'));
    const client = new OtlpClient(collector.endpoint);
    const scopes = [
      { attributes: { shard: 'one' }, schemaUrl: '' },
      { attributes: { shard: 'two' }, schemaUrl: '' },
      { attributes: {}, schemaUrl: '' },
      { attributes: {}, schemaUrl: 'https://example.test/1' },
    ];
    const resource = { attributes: otlpAttributes({ 'service.name': 'raw' }) };
    const runs = otlpAttributes({ 'task.id': 'one-run' });
    const parts = scopes.map(({ attributes, schemaUrl }, at) => ({
      scope: { name: 'raw', version: '1', attributes: otlpAttributes(attributes) },
      schemaUrl,
      logRecords: [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: `line ${at}` }, attributes: runs }],
    }));
    const { status } = await client.post({ signal: 'logs', body: { resourceLogs: [{ resource, scopeLogs: parts }] } });
    assert.equal(status, 200);
    const { logsFolder } = collector;
    await poll('the records with their scopes', () => {
      const { files } = new JobLogTree(logsFolder);
      const lines = files.flatMap(({ path }) => readFileSync(join(logsFolder, path), 'utf8').trimEnd().split('\n'));
      const written = lines.flatMap((line) => (JSON.parse(line) as WrittenLogs).resourceLogs);
      assert.deepEqual(
        written.flatMap(({ scopeLogs }) =>
          scopeLogs.map(({ scope, schemaUrl = '', logRecords }) => ({
            schemaUrl,
            of: scope.attributes ?? [],
            records: logRecords.map((record) => [record.body.stringValue, record.attributes]),
          })),
        ),
        scopes.map(({ attributes, schemaUrl }, at) => ({
          schemaUrl,
          of: otlpAttributes(attributes),
          records: [[`line ${at}`, runs]],
        })),
      );
      for (const { resource } of written) {
        assert.deepEqual(resource.attributes.map(({ key }) => key).sort(), [
          'fileexporter.path_segment',
          'service.name',
        ]);
      }
    });
  });
});
