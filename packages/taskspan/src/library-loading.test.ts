import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import { AppFolder, type Ended, type RunOptions, readJobLogs } from './app-folder.test.fixture.ts';
import { importing, install, OPERATIONS, PRINT_LIBRARIES, requiring } from './fake-libraries.test.fixture.ts';

const ON = { TASKSPAN_INSTRUMENTATIONS: '+fastq,+p-queue' };

/** Operations of all runs, in the order of their names. */
function operations(data: string): string[] {
  const ended = [...readJobLogs(data).values()].flatMap(({ records }) =>
    records.filter(({ eventName }) => eventName === 'task.ended'),
  );
  return ended.map(({ attributes }) => String(attributes['operation'])).sort();
}

describe('job libraries under taskspan/register', function () {
  this.timeout(60_000);
  let app: AppFolder;
  let data: string;
  before(() => {
    app = new AppFolder();
    for (const name of Object.keys(OPERATIONS)) install(app, name);
  });
  after(() => app.remove());
  beforeEach(() => {
    data = app.ownData().TASKSPAN_DIR;
  });

  async function run(source: string, options: RunOptions = {}): Promise<Ended> {
    const ended = await app.run(source, { ...options, env: { TASKSPAN_DIR: data, ...ON, ...options.env } });
    assert.equal(ended.code, 0, ended.stderr);
    return ended;
  }

  for (const [name, operation] of Object.entries(OPERATIONS)) {
    for (const [how, source] of [
      ['imported by an ES module', importing],
      ['required by a CommonJS module', requiring],
    ] as const) {
      it(`${name}: its job is a run when it is ${how}, and hooked from its entry on`, async () => {
        const ended = await run(source(name, PRINT_LIBRARIES));
        assert.equal(ended.stderr, '');
        assert.deepEqual(operations(data), [operation]);
        const [library, ...others] = JSON.parse(ended.stdout) as { library: string; hooked: boolean }[];
        assert.deepEqual([library?.library, library?.hooked, others], [name, true, []]);
      });
    }
  }

  it('sees what CommonJS imports, one import after another', async () => {
    await run(`const { Job } = require('node-schedule');
      (async () => {
        await new Job('required', async () => {}).invoke(new Date());
        const { default: PQueue } = await import('p-queue');
        await new PQueue().add(async function queueJob() {});
      })();`);
    assert.deepEqual(operations(data), ['queueJob', 'required']);
  });

  it('sees a library below a wrapper that is an ES module, also when that is required', async () => {
    app.write('node_modules/wrapper/package.json', '{"name":"wrapper","type":"module","exports":"./index.js"}');
    app.write('node_modules/wrapper/index.js', "export { Job } from 'node-schedule';");
    const body = `new lib.Job('schedule-job', async () => {}).invoke(new Date());`;
    await run(`const lib = require('wrapper'); ${body}`);
    await run(`import * as lib from 'wrapper'; ${body}`);
    assert.deepEqual(operations(data), ['schedule-job', 'schedule-job']);
  });

  it('sees each copy of a library, and packages of pnpm that only others need', async () => {
    install(app, 'node-schedule', { modules: 'node_modules/older/node_modules', version: '2.0.0' });
    app.write('node_modules/older/package.json', '{"name":"older","main":"index.js"}');
    app.write('node_modules/older/index.js', "exports.Job = require('node-schedule').Job;");
    await run(
      `const { Job } = require('node-schedule'); const older = require('older');
       new Job('new', async () => {}).invoke(new Date()); new older.Job('old', async () => {}).invoke(new Date());`,
    );
    assert.deepEqual(operations(data), ['new', 'old']);
  });

  it('finds an ES module where pnpm keeps what other packages need', async () => {
    const own = new AppFolder();
    try {
      install(own, 'p-queue', { modules: 'node_modules/.pnpm/p-queue@9.3.5/node_modules' });
      install(own, 'p-queue', { modules: 'node_modules/.pnpm/node_modules' });
      const location = './node_modules/.pnpm/p-queue@9.3.5/node_modules';
      own.write(
        `node_modules/.pnpm/wrapper@1.0.0/node_modules/wrapper/index.mjs`,
        "export { default } from 'p-queue';",
      );
      install(own, 'p-queue', { modules: 'node_modules/.pnpm/wrapper@1.0.0/node_modules' });
      const source = `import PQueue from '${location.replace('p-queue@9.3.5', 'wrapper@1.0.0')}/wrapper/index.mjs';
        await new PQueue().add(async function queueJob() {});`;
      const ended = await own.run(source, { env: { TASKSPAN_DIR: data, ...ON } });
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      assert.deepEqual(operations(data), ['queueJob']);
    } finally {
      own.remove();
    }
  });

  it('loads nothing of an instrumentation for what is off, by either list, and says nothing', async () => {
    for (const env of [
      { TASKSPAN_INSTRUMENTATIONS: '-node-schedule' },
      { TASKSPAN_INSTRUMENTATIONS: '', OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'node-schedule,fs' },
    ]) {
      const loaded = `console.log(Object.keys(require.cache).some((file) => file.includes('require-in-the-middle')));`;
      const ended = await run(requiring('node-schedule', loaded), { env });
      assert.deepEqual([ended.stdout, ended.stderr], ['false\n', '']);
    }
    assert.deepEqual(operations(data), []);
  });

  it('loads nothing, and hooks nothing, as long as there is no library', async () => {
    const own = new AppFolder();
    try {
      const source = `const { Module, register } = require('node:module');
        const files = Object.keys(require.cache).filter((file) => /in-the-middle|instrumentations.libraries/.test(file));
        console.log(JSON.stringify(files));`;
      const ended = await own.run(source, { env: { TASKSPAN_DIR: data } });
      assert.deepEqual([ended.stdout, ended.stderr], ['[]\n', '']);
    } finally {
      own.remove();
    }
  });

  it('leaves no trace in what the application sees of its modules', async () => {
    const source = `const lib = require('node-schedule'); const { createRequire } = require('node:module');
      console.log(lib.loadedBy, lib.Job.name, lib.Job.length, require.main === module, module.children.length,
        createRequire(__filename)('node-schedule') === lib, lib.Job.prototype.invoke.name, lib.Job.prototype.invoke.length);`;
    const [hooked, plain] = await Promise.all([run(source), app.run(source, { nodeArgs: [] })]);
    assert.equal(hooked.stdout, plain.stdout);
  });

  it('names runs by a function of the application, and reports one for a library that nobody knows', async () => {
    const source = `import { start } from 'taskspan';
      const taskspan = start({ operations: { 'node-schedule': (job) => 'mine-' + job.name, bullmk: () => '', cron: 1 } });
      const lib = await import('node-schedule');
      await new lib.Job('a', async () => {}).invoke(new Date());
      await taskspan.forceFlush();`;
    const ended = await run(source, { nodeArgs: [] });
    assert.deepEqual(operations(data), ['mine-a']);
    assert.match(ended.stderr, /^taskspan: operations: no library is called "bullmk"; known are bullmq, .*$/m);
    assert.match(ended.stderr, /^taskspan: operations: cron is no function; the usual names are used$/m);
  });

  it('takes everything away again', async () => {
    const source = `import { start } from 'taskspan';
      import { createRequire, Module } from 'node:module';
      import childProcess from 'node:child_process';
      const before = [Module._load, childProcess.spawnSync];
      const taskspan = start();
      const { Job } = createRequire(import.meta.url)('node-schedule');
      const original = () => Job.prototype.invoke;
      const hooked = original();
      await new Job('seen', async () => {}).invoke(new Date());
      await taskspan.shutdown();
      await new Job('unseen', async () => {}).invoke(new Date());
      console.log(Module._load === before[0], childProcess.spawnSync === before[1], original() === hooked);
      const again = start();
      await new Job('again', async () => {}).invoke(new Date());
      await again.shutdown();`;
    const ended = await run(source, { nodeArgs: [] });
    assert.match(ended.stdout, /^true true false\n/);
    assert.deepEqual(operations(data), ['again', 'seen']);
  });

  it('hooks what CommonJS had loaded when it was started, and says what that means', async () => {
    const source = `import { Job } from 'node-schedule';
      import { start } from 'taskspan';
      const taskspan = start();
      await new Job('late', async () => {}).invoke(new Date());
      await taskspan.shutdown();`;
    const ended = await run(source, { nodeArgs: [] });
    assert.deepEqual(operations(data), ['late']);
    assert.equal(
      ended.stderr,
      'taskspan: node-schedule was loaded before taskspan was started: jobs set up by then, or through functions ' +
        'taken from it, are not all captured; start the application with "node --import taskspan/register"\n',
    );
  });

  it('says once that an ES module may have been imported before the start, and nothing when it was not', async () => {
    app.write('late/package.json', JSON.stringify({ name: 'late', dependencies: { 'p-queue': '*' } }));
    const task = 'await new PQueue().add(async function queueJob() {});';
    const early = `import PQueue from 'p-queue'; import { start } from 'taskspan'; start(); ${task}`;
    app.write('late/early.mjs', early);
    assert.match(
      (await run('late/early.mjs', { nodeArgs: [] })).stderr,
      /^taskspan: p-queue: if imported before taskspan was started, jobs are not captured; start [^\n]*\n$/,
    );
    assert.deepEqual(operations(data), []);
    app.write(
      'late/later.mjs',
      `import { start } from 'taskspan'; start(); const { default: PQueue } = await import('p-queue'); ${task}`,
    );
    assert.equal((await run('late/later.mjs', { nodeArgs: [] })).stderr, '');
    assert.deepEqual(operations(data), ['queueJob']);
  });

  it('hooks what was loaded before register, by the application or by what Node loads first, and says so', async () => {
    app.write('before.cjs', "require('node-schedule'); globalThis.logger = require('winston');");
    const task = `const lib = require('node-schedule');
      const { createLogger, transports } = globalThis.logger ?? {};
      new lib.Job('late', async () => {
        createLogger?.({ transports: [new transports.Console({ silent: true })] }).info('a line');
      }).invoke(new Date())`;
    const said = /^taskspan: node-schedule was loaded before taskspan was started: [^\n]*; ([^\n]*)\n$/;
    const own = await run(`require('node-schedule'); import('taskspan/register').then(() => { ${task} });`, {
      nodeArgs: [],
    });
    assert.equal(said.exec(own.stderr)?.[1], 'start the application with "node --import taskspan/register"');
    const preloaded = await run(task, { nodeArgs: ['-r', './before.cjs', '--import', 'taskspan/register'] });
    assert.equal(said.exec(preloaded.stderr)?.[1], 'load taskspan/register before whatever loads it');
    assert.deepEqual(operations(data), ['late', 'late']);
    const lines = [...readJobLogs(data).values()].flatMap(({ records }) => records.map(({ body }) => body));
    assert.ok(lines.includes('a line'));
  });

  it('says that an ES module may have been imported before the application loads register', async () => {
    app.write('late/package.json', JSON.stringify({ name: 'late', dependencies: { 'p-queue': '*' } }));
    app.write(
      'late/register.mjs',
      `import 'p-queue'; await import('taskspan/register');
       const { own } = await import('../own.mjs');
       for (let said = []; said.length === 0; await new Promise(setImmediate)) {
         said = (await own()).libraries ?? [];
         for (const { module, reason } of said) console.log(module, reason);
       }`,
    );
    const ended = await run('late/register.mjs', { nodeArgs: [] });
    assert.match(ended.stderr, /^taskspan: p-queue: if imported before taskspan was started[^\n]*\n$/);
    assert.match(ended.stdout, /^p-queue was not seen being loaded/);
    const quiet = await run('late/register.mjs', { nodeArgs: [], env: { TASKSPAN_QUIET: 'on' } });
    assert.deepEqual([quiet.stderr, quiet.stdout], ['', ended.stdout]);
  });

  it('says once which version it does not support, and why', async () => {
    const own = new AppFolder();
    try {
      install(own, 'node-schedule', { version: '9.0.0' });
      const source = `${requiring('node-schedule')}; delete require.cache[require.resolve('node-schedule')]; require('node-schedule');`;
      const ended = await own.run(source, { env: { TASKSPAN_DIR: data } });
      assert.match(ended.stderr, /^taskspan: node-schedule 9\.0\.0: [^\n]*not supported[^\n]*\n$/);
    } finally {
      own.remove();
    }
  });

  it('stays out of the thread of the module loader, into which --require loads too', async () => {
    const ended = await run(importing('p-queue', PRINT_LIBRARIES), { nodeArgs: ['--require', 'taskspan/register'] });
    assert.deepEqual(operations(data), ['queueJob']);
    assert.match(ended.stdout, /"hooked":true/);
    const instances = new Set(
      [...readJobLogs(data).values()].flatMap(({ records }) =>
        records.map(({ resource }) => resource.attributes['service.instance.id']),
      ),
    );
    assert.equal(instances.size, 1);
  });

  it('is at work in worker threads too', async () => {
    const source = `import { isMainThread, Worker } from 'node:worker_threads';
      import { fileURLToPath } from 'node:url';
      if (isMainThread) {
        await new Promise((resolve) => new Worker(fileURLToPath(import.meta.url)).once('exit', resolve));
      } else {
        const [lib, { default: PQueue }] = [await import('node-schedule'), await import('p-queue')];
        await new lib.Job('in a thread', async () => {}).invoke(new Date());
        await new PQueue().add(async function queueJob() {});
      }`;
    const ended = await run(source);
    assert.equal(ended.stderr, '');
    assert.deepEqual(operations(data), ['in a thread', 'queueJob']);
  });
});
