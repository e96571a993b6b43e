import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ContextManager, Span, TextMapPropagator, Tracer, TracerProvider } from '@opentelemetry/api';
import { context as contextApi, metrics, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { LoggerProvider } from '@opentelemetry/api-logs';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { type ApiCopies, type ApiModule, chooseRegistrar, findApiCopies } from './api-copies.ts';
import {
  describeEarlierSdk,
  describeYield,
  type Registration,
  registerGlobals,
  takenSlots,
  type Yielded,
  type YieldHandle,
  yieldToLaterSdk,
} from './global-slots.ts';

const require = createRequire(import.meta.url);
const GLOBALS = [Symbol.for('opentelemetry.js.api.1'), Symbol.for('io.opentelemetry.js.api.logs')];
const slots = globalThis as unknown as Record<symbol, unknown>;

/** Says who made a span. */
function tracerProvider(owner: string): TracerProvider {
  const tracer = { startSpan: (name: string) => ({ owner, name }) as unknown as Span };
  return { getTracer: () => tracer as unknown as Tracer };
}

function contextManager(): ContextManager {
  const manager: ContextManager = {
    active: () => ROOT_CONTEXT,
    with: (_context, fn, self, ...args) => Reflect.apply(fn, self, args),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

const propagator = (field: string): TextMapPropagator => ({
  inject: () => undefined,
  extract: (context) => context,
  fields: () => [field],
});

const ownerOf = (tracer: Tracer): unknown => (tracer.startSpan('s') as unknown as { owner?: string }).owner;

describe('copies of the API', () => {
  let root: string;
  const saved = GLOBALS.map((key) => slots[key]);
  before(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-copies-')));
  });
  after(() => {
    rmSync(root, { recursive: true });
    // The API keeps more than the slots: its own proxies would go on handing out what is no span.
    for (const api of [contextApi, metrics, propagation, trace]) api.disable();
    GLOBALS.forEach((key, index) => {
      slots[key] = saved[index];
    });
  });
  beforeEach(() => {
    for (const key of GLOBALS) delete slots[key];
  });

  /** Puts a physical copy of an installed package into an app's folder, under another version. */
  function install(name: string, folder: string, version: string): string {
    const source = join(dirname(require.resolve(name)), '..', '..');
    const target = join(root, folder, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(source, target, { recursive: true, filter: (path) => !/build.(esm|esnext)|\.map$|\.d\.ts$/.test(path) });
    for (const file of ['package.json', 'build/src/version.js']) {
      const path = join(target, file);
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace(/(["']version["']: *|VERSION = )["'][\d.]+["']/, `$1"${version}"`));
    }
    return target;
  }

  /** An app with its own copy of the API, and nothing else. */
  function app(folder: string, version: string): { script: string; api: ApiModule; copies: ApiCopies } {
    install('@opentelemetry/api', folder, version);
    const script = join(root, folder, 'main.js');
    writeFileSync(script, '');
    return {
      script,
      api: createRequire(script)('@opentelemetry/api') as ApiModule,
      copies: findApiCopies({ script }),
    };
  }

  describe('findApiCopies', () => {
    it('finds ours alone when the app resolves the same or none', () => {
      for (const location of [{}, { script: '[eval]' }, { script: import.meta.filename, cwd: root }]) {
        const copies = findApiCopies(location);
        assert.deepEqual([copies.api.length, copies.logs.length], [1, 1]);
      }
    });

    it("finds the app's own, from its script or its working folder", () => {
      const { script, api, copies } = app('find', '1.10.0');
      assert.deepEqual(copies.api.map((copy) => copy.folder).slice(1), [
        join(root, 'find/node_modules/@opentelemetry/api'),
      ]);
      assert.equal(copies.api[1]?.version, '1.10.0');
      assert.equal(copies.api[1]?.modules[0]?.trace, api.trace);
      assert.equal(findApiCopies({ script: '[eval]', cwd: dirname(script) }).api[1]?.version, '1.10.0');
    });

    it('finds one that is nested below an SDK package', () => {
      install('@opentelemetry/api', 'nested/node_modules/@opentelemetry/sdk-node', '1.9.0');
      const sdk = join(root, 'nested/node_modules/@opentelemetry/sdk-node');
      writeFileSync(join(sdk, 'package.json'), JSON.stringify({ name: '@opentelemetry/sdk-node', main: 'index.js' }));
      writeFileSync(join(sdk, 'index.js'), '');
      const copies = findApiCopies({ script: join(root, 'nested', 'main.js') });
      assert.deepEqual(copies.api[1]?.version, '1.9.0');
    });

    it('passes over one that cannot be loaded', () => {
      const folder = install('@opentelemetry/api', 'broken', '1.10.0');
      writeFileSync(join(folder, 'build/src/index.js'), 'throw new Error("broken")');
      assert.equal(findApiCopies({ script: join(root, 'broken', 'main.js') }).api.length, 1);
    });
  });

  it('chooses the copy whose registrations all can read', () => {
    const [own] = findApiCopies({}).api;
    assert.ok(own);
    const versions = (...list: string[]): string | undefined =>
      chooseRegistrar({ api: list.map((version) => ({ ...own, version })), logs: [] })?.version;
    assert.equal(versions('1.9.1', '1.10.0'), '1.10.0');
    assert.equal(versions('1.10.0', '1.9.1'), '1.10.0');
    assert.equal(versions('1.9.0', '1.9.1', '1.8.9'), '1.9.1');
    assert.equal(versions('1.9.1', '2.0.0'), '1.9.1');
    assert.equal(versions('1.9.1', '1.11.0-rc.1'), '1.9.1');
    assert.equal(versions(), undefined);
  });

  for (const version of ['1.10.0', '1.9.0', '1.9.1']) {
    describe(`registering beside an app with api ${version}`, () => {
      let theirs: ApiModule;
      let ours: ApiModule;
      let copies: ApiCopies;
      let registration: Registration;
      let handle: YieldHandle;
      let events: Yielded[];
      const ourManager = contextManager();
      const logger = (owner: string): LoggerProvider => ({ getLogger: () => ({ owner }) as never });

      before(() => {
        const made = app(`beside-${version}`, version);
        theirs = made.api;
        copies = made.copies;
        const own = copies.api[0]?.modules[0];
        assert.ok(own && copies.api.length === 2);
        ours = own;
      });
      /** What register does. */
      function registerOurs(): void {
        assert.deepEqual(takenSlots(), []);
        registration = registerGlobals(copies, {
          tracerProvider: tracerProvider('ours'),
          contextManager: ourManager,
          propagator: propagator('ours'),
          meterProvider: { getMeter: () => ({ owner: 'ours' }) as never },
          loggerProvider: logger('ours'),
        });
        events = [];
        handle = yieldToLaterSdk(copies, { registration, onYield: (event) => events.push(event) });
      }
      beforeEach(registerOurs);
      afterEach(() => handle.release());

      it('is read by both copies', () => {
        assert.deepEqual(registration.slots, ['trace', 'context', 'propagation', 'metrics', 'logs']);
        assert.deepEqual(takenSlots(), registration.slots);
        for (const api of [ours, theirs]) {
          assert.equal(ownerOf(api.trace.getTracer('x')), 'ours');
          assert.deepEqual(api.propagation.fields(), ['ours']);
          assert.deepEqual(api.metrics.getMeter('x'), { owner: 'ours' });
        }
        assert.deepEqual(events, []);
      });

      for (const who of ['the app', 'our own copy']) {
        it(`gives way to an SDK that ${who} registers later, with one warning`, () => {
          const [api, copy] = who === 'the app' ? [theirs, copies.api[1]] : [ours, copies.api[0]];
          const early = [ours.trace.getTracer('early'), theirs.trace.getTracer('early')];
          assert.deepEqual(early.map(ownerOf), ['ours', 'ours']);
          const heldProxy = ours.trace.getTracerProvider();
          assert.equal(api.trace.setGlobalTracerProvider(tracerProvider('theirs')), true);
          assert.equal(api.context.setGlobalContextManager(contextManager()), true);
          assert.equal(api.propagation.setGlobalPropagator(propagator('theirs')), true);
          assert.equal(api.metrics.setGlobalMeterProvider({ getMeter: () => ({ owner: 'theirs' }) as never }), true);
          for (const reader of [ours, theirs]) {
            assert.equal(ownerOf(reader.trace.getTracer('x')), 'theirs');
            assert.deepEqual(reader.propagation.fields(), ['theirs']);
            assert.deepEqual(reader.metrics.getMeter('x'), { owner: 'theirs' });
          }
          assert.deepEqual([...early, heldProxy.getTracer('x')].map(ownerOf), ['theirs', 'theirs', 'theirs']);
          assert.deepEqual(events, [{ slot: 'trace', version: copy?.version, folder: copy?.folder }]);
        });
      }

      it('gives its logs away too', () => {
        const logs = copies.logs[0]?.modules[0]?.logs;
        assert.ok(logs);
        assert.deepEqual(logs.getLogger('x'), { owner: 'ours' });
        const provider = logger('theirs');
        assert.equal(logs.setGlobalLoggerProvider(provider), provider);
        assert.deepEqual(logs.getLogger('x'), { owner: 'theirs' });
        assert.deepEqual(
          events.map((event) => event.slot),
          ['logs'],
        );
      });

      it('lets a second SDK of the app be refused, as without us', () => {
        assert.equal(theirs.trace.setGlobalTracerProvider(tracerProvider('first')), true);
        assert.equal(theirs.trace.setGlobalTracerProvider(tracerProvider('second')), false);
        assert.equal(ours.trace.setGlobalTracerProvider(tracerProvider('third')), false);
        assert.equal(ownerOf(theirs.trace.getTracer('x')), 'first');
        assert.equal(events.length, 1);
      });

      it('lets either copy set its diagnostics', () => {
        const messages: string[] = [];
        const log = (message: string): unknown => messages.push(message);
        const target = { error: log, warn: log, info: log, debug: log, verbose: log };
        for (const api of [theirs, ours]) {
          assert.equal(api.diag.setLogger(target, { suppressOverrideMessage: true }), true);
          messages.length = 0;
          for (const reader of [ours, theirs]) reader.diag.error('heard');
          assert.deepEqual(messages, ['heard', 'heard']);
        }
        assert.deepEqual(events, []);
      });

      it('leaves nothing behind when it is released', () => {
        handle.release();
        assert.deepEqual(takenSlots(), []);
        for (const api of [ours, theirs]) {
          assert.ok(!Object.hasOwn(api.trace, 'setGlobalTracerProvider'));
        }
      });

      it('survives a listener that throws', () => {
        handle.release();
        registration = registerGlobals(copies, { tracerProvider: tracerProvider('ours') });
        handle = yieldToLaterSdk(copies, {
          registration,
          onYield: () => {
            throw new Error('listener');
          },
        });
        assert.equal(theirs.trace.setGlobalTracerProvider(tracerProvider('theirs')), true);
      });
    });
  }

  it('sees an SDK that was registered earlier, and leaves its slots alone', () => {
    const { api, copies } = app('earlier', '1.9.0');
    api.trace.setGlobalTracerProvider(tracerProvider('earlier'));
    assert.deepEqual(takenSlots(), ['trace']);
    const registration = registerGlobals(copies, {
      tracerProvider: tracerProvider('ours'),
      propagator: propagator('ours'),
    });
    assert.deepEqual(registration.slots, ['propagation']);
    assert.equal(ownerOf(api.trace.getTracer('x')), 'earlier');
    assert.match(describeEarlierSdk(takenSlots()), /trace.*'taskspan\/sdk'/);
  });

  it('replaces a version mark that cannot be written', () => {
    const { api, copies } = app('frozen', '1.9.0');
    slots[GLOBALS[0] as symbol] = Object.defineProperty({}, 'version', { value: '1.9.0', enumerable: true });
    const registration = registerGlobals(copies, { propagator: propagator('ours') });
    assert.deepEqual(registration.slots, ['propagation']);
    assert.deepEqual(api.propagation.fields(), ['ours']);
  });

  it('says what to do', () => {
    const text = describeYield({ slot: 'trace', version: '1.10.0', folder: '/app/node_modules/@opentelemetry/api' });
    assert.match(text, /1\.10\.0 in \/app\/.*'taskspan\/sdk'/);
  });
});
