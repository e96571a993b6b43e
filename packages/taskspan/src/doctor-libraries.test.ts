import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { after, before, describe, it } from 'mocha';
import { AppFolder } from './app-folder.test.fixture.ts';
import { readConfig } from './config.ts';
import type { Finding } from './doctor-finding.ts';
import { examineLibraries, type LibraryExamination } from './doctor-libraries.ts';
import { install, requiring } from './fake-libraries.test.fixture.ts';

describe('examineLibraries', function () {
  this.timeout(60_000);
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
    install(app, 'node-schedule');
    install(app, 'p-queue');
    install(app, 'bullmq', { version: '99.0.0' });
    install(app, 'kafkajs', { version: '2.2.4' });
    app.write('node_modules/croner/package.json', '{half');
  });
  after(() => app.remove());

  function look(env: Record<string, string> = {}, changes: Partial<LibraryExamination> = {}): Finding[] {
    return examineLibraries({
      folder: app.path,
      script: undefined,
      config: readConfig(env),
      directory: undefined,
      service: 'proving-app',
      dependencies: [],
      official: false,
      ...changes,
    });
  }

  const about = (findings: readonly Finding[], topic: string): Finding | undefined =>
    findings.find((finding) => finding.topic === topic);

  it('names each library with its version, the versions that are supported, and how it is hooked', () => {
    const found = about(look(), 'node-schedule');
    const hooked = '2.1.1 (>=2 <3): its jobs are captured, by require and by import';
    assert.deepEqual(found, { level: 'fine', topic: 'node-schedule', found: hooked });
    assert.match(
      about(look({ TASKSPAN_INSTRUMENTATIONS: '+p-queue' }), 'p-queue')?.found ?? '',
      /, by require.* import/,
    );
  });

  it('warns about a version that is not supported, and finds a manifest broken that cannot be read', () => {
    const findings = look();
    assert.equal(about(findings, 'bullmq')?.level, 'warning');
    assert.match(about(findings, 'bullmq')?.found ?? '', /^99\.0\.0 is not supported/);
    assert.match(about(findings, 'bullmq')?.fix ?? '', />=1\.91 <7/);
    assert.equal(about(findings, 'croner')?.level, 'broken');
  });

  it('says what is switched off, and by what', () => {
    const off = (env: Record<string, string>): string | undefined =>
      about(look(env, { dependencies: ['node-schedule'] }), 'node-schedule')?.found;
    assert.equal(
      off({ TASKSPAN_INSTRUMENTATIONS: '-node-schedule' }),
      '2.1.1: switched off by TASKSPAN_INSTRUMENTATIONS',
    );
    const standard = { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'Node-Schedule' };
    assert.equal(off(standard), '2.1.1: switched off by OTEL_NODE_DISABLED_INSTRUMENTATIONS');
  });

  it('tells how to ask for what is not on by itself, when the application has asked for the library', () => {
    assert.equal(about(look(), 'p-queue'), undefined);
    const found = about(look({}, { dependencies: ['p-queue'] }), 'p-queue');
    assert.equal(found?.found, '9.3.5: not captured unless asked for');
    assert.equal(found?.fix, 'TASKSPAN_INSTRUMENTATIONS=+p-queue');
  });

  it('leaves to the official instrumentations what they capture', () => {
    assert.match(about(look(), 'kafkajs')?.found ?? '', /its jobs are captured/);
    assert.match(about(look({}, { official: true }), 'kafkajs')?.found ?? '', /by the application's own/);
  });

  it('does not call a library in a bundle captured', () => {
    const script = app.write('bundle.cjs', `// node_modules/bree/lib/index.js\n${' '.repeat(10_000)}`);
    const findings = look({}, { script });
    const found = about(findings, 'bree');
    assert.equal(findings.filter(({ topic }) => topic === 'bree').length, 1);
    assert.equal(found?.level, 'broken');
    assert.match(found?.found ?? '', /^bundled into bundle\.cjs: no hook sees it there/);
    assert.equal(found?.fix, 'mark bree as external in the bundler');
  });

  it('says where it cannot look', () => {
    const own = new AppFolder();
    try {
      own.write('.pnp.cjs', '');
      const [first] = look({}, { folder: own.path });
      assert.match(first?.found ?? '', /^packages lie where they cannot be looked up/);
    } finally {
      own.remove();
    }
  });

  it('says what running processes have hooked, and what not, and why', async () => {
    const { TASKSPAN_DIR: directory } = app.ownData();
    const wait = `console.log('ready'); process.once('message', () => process.exit());`;
    const env = { TASKSPAN_DIR: directory, TASKSPAN_INSTRUMENTATIONS: '' };
    const sources = [requiring('node-schedule', wait), requiring('node-schedule', wait), `require('bullmq'); ${wait}`];
    const apps = sources.map((source) => app.start(source, { env }));
    try {
      await Promise.all(apps.map((one) => one.printed('ready')));
      let findings: Finding[] = [];
      // The entry follows a moment after the library.
      while (findings.filter(({ topic }) => topic === 'running').length < 2) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        findings = look({}, { directory });
      }
      while (!look({}, { directory }).some(({ found }) => found.includes('in processes'))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      findings = look({}, { directory }).filter(({ topic }) => topic === 'running');
      const pids = apps.map(({ child }) => Number(child.pid));
      const text = findings.map(({ level, found }) => `${level} ${found}`).sort();
      assert.match(text[1] ?? '', /^fine node-schedule 2\.1\.1 is hooked in processes \d+, \d+$/);
      assert.ok(text[1]?.includes(String(pids[0])) && text[1].includes(String(pids[1])));
      assert.match(text[0] ?? '', /^broken bullmq 99\.0\.0 is not hooked: .*not supported.* in process \d+$/);
      assert.deepEqual(
        look({}, { directory, service: 'other' }).filter(({ topic }) => topic === 'running'),
        [],
      );
    } finally {
      for (const { child } of apps) child.send('end');
    }
    for (const one of apps) assert.equal((await one.ended).code, 0);
    assert.equal(about(look({}, { directory }), 'running'), undefined);
  });

  it('says that a library was hooked late, as it stood in the entry of its process', () => {
    const own = new AppFolder();
    try {
      const reason = 'was loaded before taskspan was started: what it had set up by then is not captured';
      const sighting = { library: 'node-schedule', module: 'node-schedule', version: '2.1.1', hooked: true, reason };
      const entry = { pid: process.pid, host: hostname(), service: 'proving-app', libraries: [sighting] };
      own.write('data/processes/own.json', JSON.stringify(entry));
      // A process of an older version, which says nothing.
      own.write('data/processes/older.json', JSON.stringify({ ...entry, libraries: undefined }));
      const findings = look({}, { directory: own.data });
      assert.match(
        about(findings, 'node-schedule')?.found ?? '',
        /some of its jobs may not be captured, see the running/,
      );
      const found = about(findings, 'running');
      assert.equal(found?.level, 'warning');
      assert.match(found?.found ?? '', /^node-schedule 2\.1\.1 is hooked, but was loaded before taskspan was started/);
      assert.match(found?.fix ?? '', /--import taskspan\/register/);
    } finally {
      own.remove();
    }
  });
});
