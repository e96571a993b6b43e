import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, readJobLogs } from './app-folder.test.fixture.ts';

/**
 * Stands for `@opentelemetry/auto-instrumentations-node`: says how it was called, and makes a span as an instrumentation
 * of HTTP would.
 */
const AUTO = `
exports.getNodeAutoInstrumentations = (settings) => {
  globalThis.settings = settings;
  globalThis.enabled = true;
  let provider;
  globalThis.request = () => provider.getTracer('http').startSpan('GET /').end();
  return [{
    setTracerProvider(given) { provider = given; },
    setMeterProvider() { globalThis.meters = true; },
    setLoggerProvider() { globalThis.loggers = true; },
    disable() { globalThis.enabled = false; },
  }];
};
`;

const REPORT = `console.log(JSON.stringify({ settings: globalThis.settings, meters: globalThis.meters,
  loggers: globalThis.loggers, enabled: globalThis.enabled }));`;

interface Seen {
  readonly settings?: Record<string, Record<string, unknown>>;
  readonly meters?: boolean;
  readonly loggers?: boolean;
  readonly enabled?: boolean;
}

describe('official instrumentations of the app', () => {
  let app: AppFolder;
  let bare: AppFolder;
  before(() => {
    bare = new AppFolder();
    app = new AppFolder();
    const folder = 'node_modules/@opentelemetry/auto-instrumentations-node';
    app.write(`${folder}/index.js`, AUTO);
    app.write(
      `${folder}/package.json`,
      '{"name":"@opentelemetry/auto-instrumentations-node","version":"0.81.0","main":"index.js"}',
    );
    const base = `${folder}/node_modules/@opentelemetry/instrumentation`;
    app.write(
      `${base}/package.json`,
      '{"name":"@opentelemetry/instrumentation","version":"0.223.0","main":"index.js"}',
    );
    app.write(`${base}/index.js`, '');
    const hooks = `${base}/node_modules/import-in-the-middle`;
    app.write(`${hooks}/package.json`, '{"name":"import-in-the-middle","version":"3.0.0"}');
    app.write(`${hooks}/supports-sync-hooks.mjs`, 'export const supportsSyncHooks = () => true;');
    app.write(
      `${hooks}/create-hook.mjs`,
      `const pass = (asked, context, next) => next(asked, context);
       export const createHook = () => ({ resolve: pass, load: pass, resolveSync: pass, loadSync: pass });`,
    );
  });
  after(() => {
    app.remove();
    bare.remove();
  });

  it('are enabled with our providers, without double log lines, and their spans lie below the task', async () => {
    const data = app.ownData();
    const source = `import { runTask } from 'taskspan';
      await runTask('job', async () => { request(); }, { id: 'run' });
      ${REPORT}`;
    const env = { ...data, OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'fs,dns' };
    const ended = await app.run(source, { env });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const { settings = {}, ...seen } = JSON.parse(ended.stdout) as Seen;
    assert.deepEqual(seen, { meters: true, loggers: true, enabled: true });
    assert.deepEqual(settings['@opentelemetry/instrumentation-fs'], { enabled: false });
    assert.deepEqual(settings['@opentelemetry/instrumentation-dns'], { enabled: false });
    for (const name of ['winston', 'pino']) {
      const one = settings[`@opentelemetry/instrumentation-${name}`];
      assert.deepEqual(one, { disableLogSending: true, disableLogCorrelation: true });
    }
    const log = readJobLogs(data.TASKSPAN_DIR).get('run');
    const [task, below] = ['job', 'GET /'].map((name) => log?.spans.find((span) => span.name === name));
    assert.equal(below?.parentSpanId, task?.spanId);
    assert.equal(below?.attributes['task.id'], 'run');
  });

  it('are left to the app when it registers them itself', async () => {
    const nodeArgs = ['--require', '@opentelemetry/auto-instrumentations-node', '--import', 'taskspan/register'];
    const ended = await app.run(REPORT, { env: app.ownData(), nodeArgs });
    assert.deepEqual([ended.stdout, ended.stderr], ['{}\n', '']);
  });

  it('of ours are switched off when an SDK of the app comes later', async () => {
    const source = `import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
      new NodeTracerProvider().register();
      ${REPORT}`;
    const ended = await app.run(source, { env: app.ownData() });
    assert.equal((JSON.parse(ended.stdout) as Seen).enabled, false);
  });

  it('that cannot be loaded are reported once, and the app runs', async () => {
    const own = new AppFolder();
    try {
      const folder = 'node_modules/@opentelemetry/auto-instrumentations-node';
      own.write(`${folder}/index.js`, "throw new Error('broken package');");
      own.write(`${folder}/package.json`, '{"name":"@opentelemetry/auto-instrumentations-node","version":"0.1.0"}');
      const ended = await own.run("console.log('works');");
      assert.deepEqual([ended.code, ended.stdout], [0, 'works\n']);
      assert.equal(ended.stderr.match(/^taskspan: /gm)?.length, 1, ended.stderr);
      assert.match(ended.stderr, /^taskspan: .*auto-instrumentations-node/);
    } finally {
      own.remove();
    }
  });

  it('are not needed: an app without them hears nothing', async () => {
    const ended = await bare.run(REPORT);
    assert.deepEqual([ended.stdout, ended.stderr], ['{}\n', '']);
  });
});
