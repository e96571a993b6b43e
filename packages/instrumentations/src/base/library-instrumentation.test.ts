import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { exported, type Library, prototypeOf, WHOLE, wholeOf } from './hook.ts';
import { LibraryInstrumentation } from './library-instrumentation.ts';
import { type RecordedRuns, recordRuns } from './recorded-runs.test.support.ts';

/** A library with a worker, a scheduler and a queue, as several versions of it have them. */
const LIBRARY: Library = {
  name: 'fake-jobs',
  patches: [
    {
      module: 'fake-jobs',
      versions: '>=1 <3',
      hooks: [
        {
          form: 'run',
          on: prototypeOf('Worker'),
          method: 'process',
          describe: ({ args }) => ({ operation: String(args[0]), trigger: 'queue', queue: 'q' }),
        },
        {
          form: 'handler',
          on: (exports) => [exports, exports['default']],
          method: 'schedule',
          handlerAt: () => 1,
          describe: (_, { args }) => ({ operation: 'tick', trigger: 'schedule', schedule: String(args[0]) }),
        },
        {
          form: 'enqueue',
          on: prototypeOf('Worker'),
          method: 'add',
          describe: ({ args }) => ({
            system: 'fake-jobs',
            destination: 'q',
            name: 'add',
            inject: (carrier) => [{ ...(args[0] as object), ...carrier }],
          }),
        },
        {
          form: 'around',
          on: prototypeOf('Worker'),
          method: 'close',
          optional: true,
          around: (call, kit) => {
            if (call.args[0] === 'broken hook') throw new Error('ours');
            return [kit.call(call), 'watched'];
          },
        },
      ],
    },
    {
      module: 'fake-jobs',
      file: 'fake-jobs/lib/inner.js',
      versions: '>=1 <2',
      hooks: [
        {
          form: 'run',
          on: (exports) => exports,
          method: 'inner',
          describe: () => ({ operation: 'inner', trigger: 'queue' }),
        },
      ],
    },
    {
      module: 'fake-function',
      versions: '>=1 <2',
      hooks: [
        {
          form: 'run',
          on: wholeOf,
          method: WHOLE,
          describe: ({ args }) => ({ operation: String(args[0]), trigger: 'queue' }),
        },
      ],
    },
    {
      module: '@fake/wrapper',
      versions: '>=1 <2',
      hooks: [],
      companions: ['fake-jobs'],
    },
  ],
};

class FakeJobsInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return LIBRARY;
  }
}

const SOURCE = `
class Worker {
  async process(name) { return name + '!'; }
  add(options) { return options; }
  close(how) { if (how === 'fails') throw new RangeError('its own'); return how; }
}
exports.Worker = Worker;
exports.schedule = (line, handler) => handler;
exports.viaInner = () => require('./inner.js').inner();
`;

interface FakeJobs {
  readonly Worker: new () => {
    process(name: string): Promise<string>;
    add(options: object): object;
    close(how?: string): unknown;
  };
  schedule<F>(line: string, handler: F): F;
  viaInner(): unknown;
}

describe('LibraryInstrumentation', () => {
  let folder: string;
  let recorded: RecordedRuns;
  const enabled: LibraryInstrumentation[] = [];

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-library-')));
    recorded = recordRuns();
    state.libraries.clear();
  });

  afterEach(() => {
    for (const one of enabled.splice(0)) one.disable();
    recorded.stop();
    rmSync(folder, { recursive: true, force: true });
    const { cache } = createRequire(import.meta.url);
    for (const file of Object.keys(cache)) if (file.startsWith(folder)) Reflect.deleteProperty(cache, file);
    state.libraries.clear();
  });

  /** Puts a package into the app's node_modules; the app requires it by the function that this returns. */
  function install(name: string, version: string, files: Readonly<Record<string, string>>): void {
    const target = join(folder, 'node_modules', name);
    mkdirSync(join(target, 'lib'), { recursive: true });
    writeFileSync(join(target, 'package.json'), JSON.stringify({ name, version, main: 'lib/index.js' }));
    for (const [file, source] of Object.entries(files)) writeFileSync(join(target, 'lib', file), source);
  }

  function installFake(version = '1.2.3', source = SOURCE): void {
    install('fake-jobs', version, { 'index.js': source, 'inner.js': 'exports.inner = () => "inner";' });
  }

  const load = (name = 'fake-jobs'): FakeJobs => createRequire(join(folder, 'app.cjs'))(name) as FakeJobs;

  function enable(config?: ConstructorParameters<typeof FakeJobsInstrumentation>[0]): FakeJobsInstrumentation {
    const made = new FakeJobsInstrumentation(config);
    enabled.push(made);
    return made;
  }

  const operations = (): string[] => recorded.runs().map((run) => run.operation);

  it('hooks what is loaded after it: runs, handlers, enqueuing calls, inner files', async () => {
    installFake();
    enable();
    const { Worker, schedule, viaInner } = load();
    const worker = new Worker();
    assert.equal(await worker.process('send'), 'send!');
    const handler = async function report(): Promise<void> {};
    const scheduled = schedule('* * * * *', handler);
    assert.deepEqual([scheduled.name, Object.prototype.toString.call(scheduled)], ['report', '[object AsyncFunction]']);
    await scheduled();
    assert.equal(viaInner(), 'inner');
    const options = Object.freeze({ delay: 1 });
    assert.deepEqual(Object.keys(worker.add(options)), ['delay', 'traceparent']);
    assert.deepEqual(operations(), ['send', 'tick', 'inner']);
    assert.equal(recorded.enqueues().length, 1);
    const sightings = [...state.libraries.values()];
    assert.ok(
      sightings.every(({ library, version, hooked }) => library === 'fake-jobs' && version === '1.2.3' && hooked),
    );
    assert.deepEqual(recorded.warnings, []);
  });

  it('hooks the function that a module is, with all that it has', () => {
    const source = `module.exports = function work(name) { return name; }; module.exports.version = 7;`;
    install('fake-function', '1.0.0', { 'index.js': source });
    const instrumentation = enable();
    const work = load('fake-function') as unknown as ((name: string) => string) & { version: number };
    assert.deepEqual([work('whole'), work.name, work.length, work.version], ['whole', 'work', 1, 7]);
    assert.deepEqual(operations(), ['whole']);
    instrumentation.disable();
    work('unseen');
    assert.deepEqual(operations(), ['whole']);
    assert.equal(wholeOf({ default: work }), work);
  });

  it('hooks the prototypes of what was loaded before it, each where it lies', async () => {
    installFake('1.2.3', `require('./worker.js'); ${SOURCE}`);
    writeFileSync(
      join(folder, 'node_modules/fake-jobs/lib/worker.js'),
      'exports.Worker = class { async process() {} };',
    );
    const { Worker } = load();
    enable();
    await new Worker().process('late');
    assert.deepEqual(operations(), ['late']);
    assert.deepEqual(recorded.warnings, []);
  });

  it('gives back everything when it is disabled, and acts again when it is enabled', async () => {
    installFake();
    const instrumentation = enable();
    const { Worker } = load();
    const hooked = Worker.prototype.process;
    instrumentation.disable();
    assert.notEqual(Worker.prototype.process, hooked);
    await new Worker().process('off');
    await hooked.call(new Worker(), 'kept reference');
    instrumentation.enable();
    await new Worker().process('on');
    assert.deepEqual(operations(), ['on']);
  });

  it('captures once, however many instrumentations there are', async () => {
    installFake();
    const first = enable();
    enable();
    const { Worker } = load();
    await new Worker().process('one');
    first.disable();
    await new Worker().process('two');
    assert.deepEqual(operations(), ['one', 'two']);
  });

  it('names a version that it does not support, once, and leaves it alone', async () => {
    installFake('3.0.0');
    enable();
    await new (load().Worker)().process('x');
    assert.deepEqual(operations(), []);
    const unsupported =
      /^taskspan: fake-jobs 3\.0\.0: version 3\.0\.0 is not supported \(.*>=1 <3.*\); its jobs are not captured$/;
    assert.equal(recorded.warnings.filter((warning) => unsupported.test(warning)).length, 1);
    assert.deepEqual(recorded.warnings.length, 1);
    assert.equal([...state.libraries.values()][0]?.hooked, false);
  });

  it('does not complain of a file that its version has no patch for', () => {
    installFake('2.0.0');
    enable();
    load().viaInner();
    assert.deepEqual(recorded.warnings, []);
  });

  it('names what it does not find where it should be, and hooks the rest', async () => {
    installFake(
      '1.2.3',
      'exports.Worker = class { async process() {} }; exports.schedule = (line, handler) => handler;',
    );
    enable();
    await new (load().Worker)().process('x');
    assert.deepEqual(operations(), ['x']);
    assert.match(recorded.warnings.join(), /fake-jobs 1\.2\.3: add not found where it is looked for/);
  });

  it('hands out a copy of exports that are read-only', () => {
    const source = `${SOURCE} const schedule = exports.schedule; delete exports.schedule;
      Object.defineProperty(exports, 'schedule', { enumerable: true, get: () => schedule });`;
    installFake('1.2.3', source);
    enable();
    load().schedule('*', () => {})();
    assert.deepEqual(operations(), ['tick']);
  });

  it('keeps its own troubles to itself, and passes on those of the library', () => {
    installFake();
    enable();
    const worker = new (load().Worker)();
    assert.deepEqual(worker.close('well'), ['well', 'watched']);
    assert.equal(worker.close('broken hook'), 'broken hook');
    assert.throws(() => worker.close('fails'), new RangeError('its own'));
    assert.match(recorded.warnings.join(), /the hook of close failed: Error: ours/);
  });

  it('loads what a wrapper stands on as soon as it sees the wrapper', () => {
    installFake();
    install('@fake/wrapper', '1.0.0', { 'index.js': '' });
    enable();
    load('@fake/wrapper');
    assert.deepEqual(
      [...state.libraries.values()].map(({ module, hooked }) => [module, hooked]),
      [
        ['fake-jobs', true],
        ['@fake/wrapper', true],
      ],
    );
  });

  it('lets the application name its runs', async () => {
    installFake();
    enable({ operation: () => 'mine' });
    await new (load().Worker)().process('x');
    assert.deepEqual(operations(), ['mine']);
  });

  it('reads exports also below default', () => {
    const thing = {};
    assert.equal(exported({ default: { thing } }, 'thing'), thing);
    assert.equal(prototypeOf('None')({}), undefined);
  });
});
