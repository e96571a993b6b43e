import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { JobLogReader } from '@taskspan/joblog';
import fc from 'fast-check';
import { ask, open, sendRaw } from './http-client.test.fixture.ts';
import { JobStore, STARTED } from './job-store.test.fixture.ts';
import { QUERY_PARAMETERS } from './parameters.ts';
import { ROUTES } from './routes.ts';
import { type JobServer, startServer } from './start-server.ts';

const SECRET = 'root:x:0:0';

/** What breaks readers of parameters, paths and files. */
const NASTY = [
  '',
  '0',
  '-1',
  '1e9',
  '0x10',
  '99999999999999999999999999',
  'NaN',
  '../../secret',
  '..%2f..%2fsecret.jsonl',
  '%2e%2e%2f',
  '/etc/passwd',
  'C:\\windows',
  '%00',
  'a%00b',
  '%ff%fe',
  '%',
  '%zz',
  '%F0%9F%92%A9',
  '__proto__',
  'constructor',
  'toString',
  'a'.repeat(8000),
  '%2F'.repeat(2000),
  '{"a":1}',
  'eyJhIjoxfQ==',
  '[]',
  'null',
  "'; DROP TABLE runs; --",
  '(a+)+$',
  '*',
  '2026-02-30',
  '2026-01-27T10:30:45Z',
  '2026-01-27T25:61:61+99:99',
  '0000-00-00',
  '9999-12-31',
  '9223372036854775808',
  'running',
  'ERROR',
];

describe('http app', () => {
  let store: JobStore;
  let reader: JobLogReader;
  let server: JobServer;
  const failures: unknown[] = [];

  before(async () => {
    store = new JobStore();
    store.writeWhole({ id: 'a' }, ['one', 'two']);
    store.writeWhole(
      { id: 'long' },
      Array.from({ length: 500 }, (_, n) => `line ${n} ${'x'.repeat(200)}`),
    );
    store.write({ id: 'live' }, [STARTED]);
    writeFileSync(join(store.folder, 'secret.jsonl'), SECRET);
    writeFileSync(join(store.folder, 'secret'), SECRET);
    reader = new JobLogReader({ logs: store.logs, refreshIntervalMs: 20 });
    server = await startServer({
      reader,
      port: 0,
      onError: (error) => failures.push(error),
      limits: { heartbeatMs: 5, streams: 4 },
    });
  });

  afterEach(() => assert.deepEqual(failures.splice(0), []));

  after(async () => {
    await server.close();
    await reader.close();
    store.remove();
  });

  async function assertSane(path: string, headers: Record<string, string> = {}): Promise<void> {
    const response = await open(server.url + path, { headers });
    const { statusCode: status = 0 } = response;
    assert.ok(status >= 200 && status < 500, `${status} for ${path}`);
    if (/event-stream/.test(response.headers['content-type'] ?? '')) {
      response.destroy();
      return;
    }
    let text = '';
    for await (const chunk of response) text += String(chunk);
    assert.ok(!text.includes(SECRET), path);
    if (status >= 400) {
      const problem = JSON.parse(text);
      assert.deepEqual([problem.status, typeof problem.code], [status, 'string'], path);
      if (status === 400) assert.equal(typeof problem.parameter, 'string', `${path}: ${text}`);
    }
  }

  it('says at the front door where the paths are listed', async () => {
    const { status, text } = await ask(`${server.url}/`);
    assert.equal(status, 404);
    assert.match((JSON.parse(text) as { detail: string }).detail, /; \/openapi\.json lists those that there are$/);
  });

  it('answers every nasty parameter of every route with something below 500', async () => {
    for (const { path, query } of Object.values(ROUTES)) {
      for (const value of NASTY) {
        await Promise.all([
          ...query.map((name) => assertSane(`${path.replace('{id}', 'a')}?${name}=${value}`)),
          ...(path.includes('{id}') ? [assertSane(path.replace('{id}', () => value))] : []),
        ]);
      }
    }
  }).timeout(20_000);

  it('answers whatever path and query with something below 500', async () => {
    const value = fc.oneof(
      fc.constantFrom(...NASTY),
      fc.string({ unit: 'binary', maxLength: 30 }).map(encoded),
      fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x21-\x7e]|[#?]/g, '')),
    );
    const name = fc.oneof(fc.constantFrom(...Object.keys(QUERY_PARAMETERS)), value);
    const path = fc.oneof(
      fc.constantFrom(...Object.values(ROUTES).map((route) => route.path)),
      fc.array(value, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
    );
    const query = fc.array(fc.tuple(name, value), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(path, value, query, async (route, id, pairs) => {
        await assertSane(
          `${route.replace('{id}', () => id).slice(0, 9000)}?${pairs
            .map(([key, given]) => `${key}=${given}`)
            .join('&')
            .slice(0, 6000)}`,
        );
      }),
      { numRuns: 300 },
    );
  }).timeout(20_000);

  it('answers hostile headers with something below 500', async () => {
    for (const value of [
      '',
      'x'.repeat(8000),
      '[',
      '[::1',
      'a@b',
      '%00',
      '..',
      'null',
      'http://',
      'http://[',
      '\xff',
    ]) {
      for (const name of ['host', 'origin', 'authorization', 'last-event-id', 'x-forwarded-host', 'range', 'accept']) {
        await assertSane('/api/v1/jobs/a/logs/stream', { [name]: value });
      }
    }
  });

  it('stays alive under bytes that are no requests', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, isAfterRequest) => {
        const head = isAfterRequest ? 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' : '';
        // Something that no request could begin with, so that the connection is closed.
        const answer = await sendRaw(
          server.port,
          Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n\0\r\n\r\n')]),
        );
        assert.doesNotMatch(answer, /^HTTP\/1\.1 5/);
      }),
      { numRuns: 50 },
    );
    assert.equal((await ask(`${server.url}/healthz`)).status, 200);
  }).timeout(20_000);

  it('forgets streams and answers that were broken off', async () => {
    for (let round = 0; round < 25; round += 1) {
      const opened = await Promise.all(
        ['/api/v1/jobs/live/logs/stream', '/api/v1/jobs/long/logs?limit=10000', '/api/v1/jobs/long/logs/stream'].map(
          (path) => open(server.url + path),
        ),
      );
      for (const response of opened) response.destroy();
    }
    // Four places: all of them are free again.
    const streams: IncomingMessage[] = [];
    while (streams.length < 4) {
      const response = await open(`${server.url}/api/v1/jobs/live/logs/stream`);
      if (response.statusCode === 200) streams.push(response);
      else response.resume();
    }
    for (const response of streams) response.destroy();
  });

  it('serves 200 clients that read in sips, each the whole answer', async () => {
    const expected = (await ask(`${server.url}/api/v1/jobs/long/logs?limit=10000`)).text;
    const sip = async (): Promise<string> => {
      const response = await open(`${server.url}/api/v1/jobs/long/logs?limit=10000`);
      assert.equal(response.statusCode, 200);
      response.setEncoding('utf8');
      let text = '';
      for await (const chunk of response) {
        text += String(chunk);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return text;
    };
    const answers = await Promise.all(Array.from({ length: 200 }, sip));
    assert.ok(answers.every((answer) => answer === expected));
  }).timeout(20_000);
});

function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // A lone surrogate cannot be encoded; its bytes can.
    return [...Buffer.from(text, 'utf16le')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  }
}
