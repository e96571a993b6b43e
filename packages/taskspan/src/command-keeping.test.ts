/** Where the run of a command is kept: its file, a Collector, both or nothing. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { readJobLogs } from './app-folder.test.fixture.ts';
import { Collector } from './collector.test.fixture.ts';
import { CommandLine } from './command-line.test.fixture.ts';

const SPEAK = ['--operation', 'speak', '--label', 'L', '--', 'sh', '-c', 'echo one; sleep 0.2; echo two; exit 4'];

/** What a service does with the same command. */
const SERVICE = `import { runCommand, start } from 'taskspan';
const taskspan = start({ quiet: true });
const result = await runCommand(['sh', '-c', 'echo one; sleep 0.2; echo two; exit 4'], { operation: 'speak', label: 'L', show: true });
await taskspan.forceFlush();
process.stdout.write(JSON.stringify(result.shellStatus));
await taskspan.shutdown();`;

describe('the run of a command', function () {
  this.timeout(60_000);
  let line: CommandLine;
  before(() => {
    line = new CommandLine();
  });
  after(() => line.remove());

  it('leaves the same lines as in a service, ids, times and use aside', async () => {
    const [own, service] = [line.app.ownData(), line.app.ownData()];
    const [ended, served] = await Promise.all([
      line.run(SPEAK, { env: own }),
      line.app.run(SERVICE, { nodeArgs: [], env: service }),
    ]);
    assert.deepEqual([ended.stdout, served.stdout], ['one\ntwo\n', 'one\ntwo\n4']);
    const [ours, theirs] = [own, service].map(({ TASKSPAN_DIR }) => normalLines(TASKSPAN_DIR)) as [string[], string[]];
    // Who counts it is told apart: a service counts its runs itself.
    const mark = /\{"key":"task\.metrics","value":\{"stringValue":"files"\}\},?/g;
    assert.deepEqual(
      ours.map((text) => text.replace(mark, '')),
      theirs,
    );
    assert.equal(ours.length, 8);
    assert.ok(mark.test(ours[0] ?? ''));
  });

  it('says nothing in the log of the run in which it was begun, and is linked to it', async () => {
    const { TASKSPAN_DIR } = line.app.ownData();
    const ended = await line.app.run(
      `import { runCommand, runTask } from 'taskspan';
await runTask('outer', () => runCommand(['true'], { id: 'inner' }), { id: 'outer' });`,
      { env: { TASKSPAN_DIR, TASKSPAN_QUIET: 'true' } },
    );
    assert.equal(ended.code, 0, ended.stderr);
    const [outer, inner] = [line.log('outer', TASKSPAN_DIR), line.log('inner', TASKSPAN_DIR)];
    assert.deepEqual(
      outer.records.map(({ eventName }) => eventName),
      ['task.started', 'task.ended'],
    );
    assert.deepEqual(
      inner.spans[0]?.links.map(({ spanId }) => spanId),
      [outer.spans[0]?.spanId],
    );
  });

  it('is named by what a program below it logs by itself, without a number', async () => {
    const { TASKSPAN_DIR } = line.app.ownData();
    const program = line.app.write(
      'logs.mjs',
      `import { logs } from '@opentelemetry/api-logs';
logs.getLogger('mine').emit({ body: 'by itself' });`,
    );
    const ended = await line.run(['--id', 'above', '--', process.execPath, '--import', 'taskspan/register', program], {
      env: { TASKSPAN_DIR, TASKSPAN_QUIET: 'true' },
    });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const logs = readJobLogs(TASKSPAN_DIR);
    const above = logs.get('above')?.records[0]?.attributes ?? {};
    const [said, ...more] = [...logs.values()]
      .flatMap(({ records }) => records)
      .filter(({ body }) => body === 'by itself');
    assert.ok(said !== undefined && more.length === 0);
    const { 'task.id': id, 'task.run': run, 'task.sequence': sequence } = said.attributes;
    assert.deepEqual([id, run, sequence], ['above', above['task.run'], undefined]);
  });

  it('reaches a Collector as well, and no metrics of a process so short', async () => {
    const collector = new Collector();
    const endpoint = await collector.start();
    const { TASKSPAN_DIR } = line.app.ownData();
    const ended = await line.run(['--id', 'sent', ...SPEAK], {
      env: { TASKSPAN_DIR, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    });
    collector.stop();
    assert.deepEqual([ended.code, ended.stderr], [4, '']);
    assert.deepEqual(collector.spans(), ['speak']);
    const { records, spans } = line.log('sent', TASKSPAN_DIR);
    assert.equal(collector.records().length, records.length);
    assert.deepEqual(collector.spanIds(), [spans[0]?.spanId]);
    assert.equal(collector.requests('/v1/metrics'), 0);
  });

  it('waits on disk when the Collector is away, and the command is not held up', async () => {
    const { TASKSPAN_DIR } = line.app.ownData();
    const ended = await line.run(['--id', 'away', '--', 'sh', '-c', 'echo x; exit 4'], {
      env: { TASKSPAN_DIR, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
    });
    assert.equal(ended.code, 4);
    assert.ok(ended.milliseconds < 10_000, `${ended.milliseconds} ms`);
    const spool = join(TASKSPAN_DIR, 'spool');
    assert.ok(existsSync(spool) && readdirSync(spool, { recursive: true }).length > 0, 'it is in the spool');
    assert.equal(line.log('away', TASKSPAN_DIR).records.length, 6);
  });

  it('has no span when none is sampled, and all its records', async () => {
    const { TASKSPAN_DIR } = line.app.ownData();
    const ended = await line.run(['--id', 'unsampled', '--', 'sh', '-c', 'echo $TRACEPARENT'], {
      env: { TASKSPAN_DIR, OTEL_TRACES_SAMPLER: 'always_off' },
    });
    const { records, spans } = line.log('unsampled', TASKSPAN_DIR);
    assert.deepEqual([spans.length, records.length], [0, 6]);
    assert.match(ended.stdout, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00\n$/);
    assert.equal(records[0]?.attributes['task.run'], ended.stdout.split('-')[2]);
  });

  for (const [what, env] of [
    ['the toolkit is switched off', { OTEL_SDK_DISABLED: 'true' }],
    ['files are switched off', { TASKSPAN_FILES: 'off' }],
  ] as const) {
    it(`is not kept when ${what}, and the command runs as ever`, async () => {
      const { TASKSPAN_DIR } = line.app.ownData();
      const ended = await line.run(SPEAK, { env: { TASKSPAN_DIR, ...env } });
      assert.deepEqual([ended.code, ended.stdout, ended.stderr], [4, 'one\ntwo\n', '']);
      assert.equal(readJobLogs(TASKSPAN_DIR).size, 0);
    });
  }

  it('goes where --dir says, and a folder of the environment that cannot be is a warning', async () => {
    const { TASKSPAN_DIR } = line.app.ownData();
    const file = line.app.write('file', '');
    const [told, wrong] = await Promise.all([
      line.run(['--dir', TASKSPAN_DIR, '--id', 'there', 'true']),
      line.run(['sh', '-c', 'exit 4'], { env: { TASKSPAN_DIR: file } }),
    ]);
    assert.deepEqual([told.code, line.log('there', TASKSPAN_DIR).records.length], [0, 5]);
    assert.equal(wrong.code, 4);
    assert.match(wrong.stderr, /^taskspan: TASKSPAN_DIR: .* cannot be used/);
  });

  it('is kept once where the environment loads the toolkit into every Node process', async () => {
    const { TASKSPAN_DIR } = line.app.ownData();
    const ended = await line.run(['--id', 'loaded', '--', 'sh', '-c', 'echo x'], {
      env: { TASKSPAN_DIR, NODE_OPTIONS: '--import taskspan/register' },
    });
    assert.deepEqual([ended.stdout, ended.stderr], ['x\n', '']);
    assert.equal(line.log('loaded', TASKSPAN_DIR).records.length, 6);
    assert.ok(!existsSync(join(TASKSPAN_DIR, 'processes')), 'it serves no metrics');
  });

  it('loads neither the trace SDK nor what other commands of taskspan need', async () => {
    const watch = line.app.write(
      'watch.mjs',
      `import { createRequire, register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(
  "export async function load(url, context, next) { process._rawDebug('loaded ' + url); return next(url, context); }"));
const { cache } = createRequire(import.meta.url);
process.on('exit', () => { for (const file of Object.keys(cache)) process._rawDebug('loaded ' + file); });`,
    );
    const ended = await line.run(['--', 'true'], { nodeArgs: ['--import', watch] });
    const loaded = ended.stderr.split('\n').filter((text) => text.startsWith('loaded '));
    assert.ok(
      loaded.some((text) => /run-(command|bundle)/.test(text)),
      ended.stderr,
    );
    const heavy = loaded.filter((text) =>
      /sdk-|opentelemetry\/(core|resources)|commander|fastify|protobuf|\/server\/|\/reader|index-store|job-metrics|metrics\/dist/.test(
        text,
      ),
    );
    assert.deepEqual(heavy, []);
  });
});

/** The lines of the one log in a folder, without what no two runs share. */
function normalLines(data: string): string[] {
  const [name] = [...readJobLogs(data).keys()];
  const folder = join(data, 'logs');
  const file = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(`${name}.jsonl`),
  );
  assert.ok(file !== undefined);
  return normalText(join(folder, file), String(name));
}

function normalText(path: string, id: string): string[] {
  const text = readFileSync(path, 'utf8')
    .replaceAll(id, 'ID')
    .replace(
      /"(traceId|spanId|startTimeUnixNano|endTimeUnixNano|timeUnixNano|observedTimeUnixNano)":"[0-9a-f]+"/g,
      '"$1":""',
    )
    .replace(
      /\{"key":"(service\.instance\.id|process\.pid|task\.run|task\.duration_seconds|manifest\.(?:start|end)_time|task\.(?:memory|cpu)\.[a-z_]+)","value":\{[^}]*\}\}/g,
      '{"key":"$1"}',
    );
  return text.trimEnd().split('\n');
}
