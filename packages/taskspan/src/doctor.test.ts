import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createPort } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppFolder } from './app-folder.test.fixture.ts';
import { Collector } from './collector.test.fixture.ts';
import { type Examination, examine, printFindings } from './doctor.ts';
import type { Finding } from './doctor-finding.ts';

describe('examine', () => {
  const folders: AppFolder[] = [];
  function newApp(): AppFolder {
    const app = new AppFolder();
    folders.push(app);
    return app;
  }
  let app: AppFolder;
  before(() => {
    app = newApp();
    app.write('main.js', '');
  });
  after(() => {
    for (const folder of folders) folder.remove();
  });

  function look(changes: Partial<Examination> = {}): Promise<Finding[]> {
    return examine({
      app: join(app.path, 'main.js'),
      dir: app.data,
      ...changes,
      env: { OTEL_EXPORTER_PROMETHEUS_PORT: '0', ...changes.env },
    });
  }

  const about = (findings: readonly Finding[], topic: string): Finding | undefined =>
    findings.find((finding) => finding.topic === topic);
  const broken = (findings: readonly Finding[]): string[] =>
    findings.filter(({ level }) => level === 'broken').map(({ topic }) => topic);

  it('finds nothing broken in a sound app, and says what it has found', async () => {
    const findings = await look();
    assert.deepEqual(broken(findings), []);
    assert.equal(about(findings, 'Node.js')?.found, process.versions.node);
    assert.match(about(findings, 'application')?.found ?? '', /^proving-app 1\.2\.3 in /);
    assert.equal(about(findings, 'service.name')?.found, 'proving-app');
    assert.equal(about(findings, 'logs folder')?.found, join(app.data, 'logs'));
    assert.match(about(findings, 'winston')?.found ?? '', /^3\..*: lines inside a run land in its log$/);
    assert.equal(about(findings, 'pino')?.level, 'fine');
    assert.match(about(findings, 'metrics port')?.found ?? '', /is free/);
    assert.match(
      about(findings, 'tasks')?.found ?? '',
      /^captured: jobs of the libraries above, calls of runTask.*`operation` attribute$/,
    );
    assert.equal(about(findings, 'spool'), undefined, 'nothing is sent');
    assert.match(about(findings, '@opentelemetry/api')?.found ?? '', /^1\./);
  });

  it('leaves no file behind but the folder that the app would make', async () => {
    await look();
    assert.deepEqual(
      readdirSync(app.data).filter((name) => name !== '.gitignore'),
      [],
    );
  });

  it('takes a folder for an app, and says when there is none', async () => {
    assert.deepEqual(broken(await look({ app: app.path })), []);
    const findings = await look({ app: join(app.path, 'missing.js') });
    assert.deepEqual(broken(findings), ['application']);
    assert.match(findings[0]?.fix ?? '', /main file/);
  });

  for (const [version, level] of [
    ['1.8.0', 'broken'],
    ['1.9.0', 'fine'],
    ['1.11.0', 'broken'],
    ['2.0.0', 'broken'],
  ] as const) {
    it(`finds ${version} of the api of the app ${level}, and its two copies`, async () => {
      const own = newApp();
      const folder = 'node_modules/@opentelemetry/api';
      const { rmSync } = await import('node:fs');
      rmSync(join(own.path, folder));
      own.write(`${folder}/package.json`, JSON.stringify({ name: '@opentelemetry/api', version, main: 'index.js' }));
      own.write(`${folder}/index.js`, '');
      const findings = await look({ app: own.path });
      const found = findings.find(
        (finding) => finding.topic === '@opentelemetry/api' && finding.found.startsWith(version),
      );
      assert.equal(found?.level, level, JSON.stringify(findings));
      if (level === 'broken') assert.match(found?.fix ?? '', /install @opentelemetry\/api >=1\.9\.0 <1\.11\.0/);
      assert.equal(about(findings, 'copies of the api')?.level, 'warning');
    });
  }

  it('warns about an SDK that the app could start, and about loggers that are too old', async () => {
    const own = newApp();
    own.write('node_modules/@opentelemetry/sdk-node/package.json', '{"version":"0.223.0"}');
    const { rmSync } = await import('node:fs');
    rmSync(join(own.path, 'node_modules/winston'));
    own.write('node_modules/winston/package.json', '{"version":"2.4.0"}');
    const findings = await look({ app: own.path });
    assert.match(about(findings, 'own SDK')?.fix ?? '', /taskspan\/sdk/);
    assert.equal(about(findings, 'winston')?.level, 'warning');
    assert.deepEqual(broken(findings), []);
  });

  it('survives a manifest that is no JSON', async () => {
    const own = newApp();
    own.write('node_modules/@opentelemetry/sdk-node/package.json', '{broken');
    const found = about(await look({ app: own.path }), '@opentelemetry/sdk-node');
    assert.equal(found?.level, 'broken');
    assert.match(found?.fix ?? '', /npm/);
  });

  it('finds an endpoint broken where nobody answers, or nobody in time, and fine where somebody does', async () => {
    const collector = new Collector();
    const alive = await collector.start();
    const closed = createServer();
    closed.listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const dead = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    await new Promise((resolve) => closed.close(resolve));
    const deaf = createPort();
    deaf.listen(0, '127.0.0.1');
    await new Promise((resolve) => deaf.once('listening', resolve));
    const silent = `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`;
    try {
      const [up, down, mute] = await Promise.all(
        [alive, dead, silent].map(async (endpoint) =>
          about(await look({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } }), 'OTLP endpoint'),
        ),
      );
      assert.deepEqual(up, { level: 'fine', topic: 'OTLP endpoint', found: `${alive} takes traces, metrics and logs` });
      assert.equal(down?.level, 'broken');
      assert.match(down?.found ?? '', /ECONNREFUSED/);
      assert.equal(mute?.level, 'broken');
      assert.match(mute?.found ?? '', /no answer within 3000 ms/);
      assert.match(mute?.fix ?? '', /OTEL_EXPORTER_OTLP_ENDPOINT/);
    } finally {
      collector.stop();
      deaf.close();
    }
  });

  it('says that a taken port is no harm, and that one which cannot be had is', async () => {
    const taken = createPort();
    taken.listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const port = String((taken.address() as AddressInfo).port);
    const findings = await look({ env: { OTEL_EXPORTER_PROMETHEUS_PORT: port } });
    taken.close();
    assert.equal(about(findings, 'metrics port')?.found, `127.0.0.1:${port} is taken; the next free one will be used`);
    assert.deepEqual(broken(findings), []);
    // An address of the documentation's network, which no machine has.
    const foreign = await look({ env: { OTEL_EXPORTER_PROMETHEUS_HOST: '192.0.2.1' } });
    assert.deepEqual(broken(foreign), ['metrics port']);
  });

  it('warns when the folder that was asked for cannot be used, and finds it broken when there is no other', async () => {
    const own = newApp();
    const file = own.write('file', '');
    const warned = about(await look({ app: own.path, dir: file }), 'folder');
    assert.equal(warned?.level, 'warning');
    assert.match(warned?.found ?? '', /TASKSPAN_DIR: .*file cannot be used/);
  });

  it('finds OTEL_SDK_DISABLED broken, and settings that it does not understand worth a warning', async () => {
    assert.deepEqual(broken(await look({ env: { OTEL_SDK_DISABLED: 'true' } })), ['OTEL_SDK_DISABLED']);
    const setting = about(await look({ env: { OTEL_TRACES_SAMPLER: 'now and then' } }), 'setting');
    assert.equal(setting?.level, 'warning');
    assert.match(setting?.found ?? '', /OTEL_TRACES_SAMPLER: "now and then"/);
    assert.match(about(await look({ env: { TASKSPAN_FILES: 'off' } }), 'files')?.found ?? '', /off/);
    const { NODE_OPTIONS } = { NODE_OPTIONS: '--import taskspan/register' };
    assert.equal(about(await look({ env: { NODE_OPTIONS } }), 'NODE_OPTIONS')?.level, 'fine');
  });
});

describe('printFindings', () => {
  it('prints a line for each, what to do below it, and how many are broken', () => {
    const lines: string[] = [];
    const findings: Finding[] = [
      { level: 'fine', topic: 'a', found: 'well' },
      { level: 'broken', topic: 'long', found: 'badly', fix: 'mend it' },
    ];
    printFindings(findings, (line) => lines.push(line));
    assert.deepEqual(lines, ['ok    a     well', 'FAIL  long  badly', '            -> mend it', '\n1 broken']);
    printFindings([], (line) => lines.push(line));
    assert.equal(lines.at(-1), '\nnothing is broken');
  });
});
