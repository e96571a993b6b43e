/** The Collector trusts nobody's ids, file names or bytes: whatever a client sends, files stay in the tree and it goes on serving. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { after, before, describe, it } from 'mocha';
import { CollectorServer } from './harness/collector-server.ts';
import { JobLogTree } from './harness/job-log-tree.ts';
import { OtlpClient, otlpAttributes, otlpLog, otlpSpan } from './harness/otlp-client.ts';
import { poll } from './harness/poll.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

/** Task ids and file names that would lead a trusting writer elsewhere, or nowhere. */
const HOSTILE = {
  climbing: '../../../outside',
  'climbing in the middle': '2026-01-01/../../outside',
  absolute: '/outside',
  empty: '',
  dot: '.',
  dots: '..',
  'a day alone': '2026-01-01',
  'a day and dots': '2026-01-01/..',
  'a day and a slash': '2026-01-01/',
  'a day and a hidden name': '2026-01-01/.hidden',
  'no day': '2026-99-99/x',
  'three parts': '2026-01-01/a/b',
  nul: 'a\u0000b',
  'a day and nul': '2026-01-01/a\u0000b',
  newline: 'one\ntwo',
  'a day and a newline at the end': '2026-01-01/a\n',
  unicode: '2026-01-01/Grüße-日本語-🧵',
  backslash: '..\\..\\outside',
  percent: '%2e%2e%2foutside',
  device: 'CON',
  'file of the process': '2026-01-01/_process',
  '10 kB': 'x'.repeat(10_000),
  'a day and 10 kB': `2026-01-01/${'x'.repeat(10_000)}`,
  'a day and 300 bytes': `2026-01-01/${'x'.repeat(300)}`,
  wildcard: '*',
  variable: ['$', '{env:HOME}'].join(''),
} as const;

/** Attributes of other types than text where a text belongs. */
const TYPES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  number: { intValue: '7' },
  double: { doubleValue: 'NaN' },
  boolean: { boolValue: true },
  list: { arrayValue: { values: [{ stringValue: '../outside' }] } },
  map: { kvlistValue: { values: [{ key: '..', value: { stringValue: '..' } }] } },
  bytes: { bytesValue: 'Li4vLi4v' },
  none: {},
};

describe('a client that is not ours', () => {
  let scratch: ScratchFolder;
  let collector: CollectorServer;
  let client: OtlpClient;
  before(async () => {
    scratch = new ScratchFolder();
    collector = await CollectorServer.start(scratch.folder('collector'));
    client = new OtlpClient(collector.endpoint);
  });
  after(async () => {
    await collector?.stop();
    scratch.remove();
  });

  it('cannot lead a file out of the tree, nor make one that cannot be read, and loses no record', async () => {
    const before = namesBelow(scratch.path, collector.logsFolder);
    const sent: string[] = [];
    for (const [name, hostile] of Object.entries(HOSTILE)) {
      for (const [kind, attributes] of Object.entries({
        id: { 'task.id': hostile },
        file: { 'task.id': 'harmless', 'task.file': hostile },
        both: { 'task.id': hostile, 'task.file': hostile },
        'file alone': { 'task.file': hostile },
      })) {
        sent.push(`${kind}: ${name}`);
        await send(`${kind}: ${name}`, otlpAttributes(attributes));
      }
    }
    for (const [name, value] of Object.entries(TYPES)) {
      for (const key of ['task.id', 'task.file']) {
        sent.push(`${key} as ${name}`);
        await send(`${key} as ${name}`, [{ key, value }]);
      }
    }
    const tree = await poll('all records in files', () => {
      const now = new JobLogTree(collector.logsFolder);
      assert.deepEqual(now.records.map(({ body }) => body).sort(), [...sent].sort());
      assert.deepEqual(now.spans.map(({ name }) => name).sort(), [...sent].sort());
      return now;
    });
    assert.deepEqual(tree.broken, []);
    for (const path of readdirSync(collector.logsFolder, { recursive: true, encoding: 'utf8' })) {
      const stat = lstatSync(join(collector.logsFolder, path));
      if (stat.isDirectory()) assert.match(path, /^\d{4}-\d\d-\d\d$/, 'the only folders are days');
      else assert.match(path, /^\d{4}-\d\d-\d\d\/[A-Za-z0-9_][A-Za-z0-9._-]{0,150}\.jsonl$/);
      assert.ok(stat.isDirectory() || stat.isFile());
    }
    assert.deepEqual(namesBelow(scratch.path, collector.logsFolder), before, 'nothing new beside the tree');
    await assertServes();
  });

  for (const [what, request] of Object.entries({
    'half a JSON': { body: '{"resourceLogs":[{"resource"' },
    'no JSON': { body: 'hello' },
    'JSON of another shape': { body: '[1,2,3]' },
    'numbers where lists belong': { body: '{"resourceLogs":7}' },
    'a NaN as null': { body: otlpLog('nan', [{ key: 'a', value: { doubleValue: null } }]) },
    'an id that is no hex': {
      body: JSON.stringify(otlpLog('x', [])).replace('"severityNumber"', '"traceId":"zz","severityNumber"'),
    },
    'bytes called protobuf': {
      body: Buffer.from([255, 255, 255, 255, 1, 2, 3]),
      headers: { 'content-type': 'application/x-protobuf' },
    },
    'text called gzip': { body: '{}', headers: { 'content-encoding': 'gzip' } },
    'an unknown type': { body: '{}', headers: { 'content-type': 'text/plain' } },
  } as const)) {
    it(`gets an answer for ${what}, and the Collector goes on`, async () => {
      const { status, text } = await client.post({ signal: 'logs', ...request });
      assert.ok(status >= 400 && status < 500, `${status} ${text}`);
      await assertServes();
    });
  }

  it('cannot exhaust it with a body that unpacks to 256 MiB', async () => {
    const bomb = gzipSync(Buffer.alloc(1 << 28, 32));
    const { status } = await client.post({ signal: 'logs', body: bomb, headers: { 'content-encoding': 'gzip' } });
    assert.ok(status >= 400 && status < 500, `${status}`);
    await assertServes();
  });

  async function send(name: string, attributes: ReturnType<typeof otlpAttributes>): Promise<void> {
    const logs = await client.post({ signal: 'logs', body: otlpLog(name, attributes) });
    const traces = await client.post({ signal: 'traces', body: otlpSpan(name, attributes) });
    assert.deepEqual([logs.status, traces.status], [200, 200], logs.text + traces.text);
  }

  /** A record sent now arrives in the tree. */
  async function assertServes(): Promise<void> {
    const mark = crypto.randomUUID();
    await send(mark, otlpAttributes({ 'task.id': mark }));
    await poll('a later record', () => {
      const found = new JobLogTree(collector.logsFolder).records.find(({ body }) => body === mark);
      assert.ok(found !== undefined);
    });
  }
});

/** Everything below a folder but what is in the tree. */
function namesBelow(folder: string, tree: string): string[] {
  const outside = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' });
  const paths = outside.map((entry) => join(entry.parentPath, entry.name));
  // The Collector's own queue files come and go.
  return paths.filter((path) => !path.startsWith(tree) && !path.startsWith(join(dirname(tree), 'queue'))).sort();
}
