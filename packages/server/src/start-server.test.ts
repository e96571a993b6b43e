import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { JobLogReader } from '@taskspan/joblog';
import { ask, open, sendRaw } from './http-client.test.fixture.ts';
import { ENDED, JobStore, STARTED } from './job-store.test.fixture.ts';
import { type JobServer, type ServerOptions, startServer } from './start-server.ts';

const BODY = { body: '{', headers: { 'content-type': 'text/x' } };

describe('startServer', () => {
  let store: JobStore;
  let reader: JobLogReader;
  const servers: JobServer[] = [];
  const failures: unknown[] = [];

  beforeEach(() => {
    store = new JobStore();
    reader = new JobLogReader({ logs: store.logs, refreshIntervalMs: 20 });
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
    await reader.close();
    store.remove();
    assert.deepEqual(failures.splice(0), []);
  });

  async function serve(options: Partial<ServerOptions> = {}): Promise<JobServer> {
    const server = await startServer({ reader, port: 0, onError: (error) => failures.push(error), ...options });
    servers.push(server);
    return server;
  }

  describe('listens', () => {
    it('on 127.0.0.1, where nobody else comes', async () => {
      const server = await serve();
      assert.equal(server.url, `http://127.0.0.1:${server.port}`);
      assert.equal((await ask(`${server.url}/healthz`)).text, '{"status":"ok"}');
    });

    it('on the next free port when the one asked for is taken', async () => {
      const other = await occupied();
      try {
        const { port } = other.address() as { port: number };
        const server = await serve({ port });
        assert.notEqual(server.port, port);
        assert.equal((await ask(`${server.url}/healthz`)).status, 200);
      } finally {
        other.close();
      }
    });

    for (const host of ['0.0.0.0', '::']) {
      it(`on ${host} only with a token`, async () => {
        await assert.rejects(serve({ host }), /can be reached by others.*a token is needed/);
        await assert.rejects(serve({ host, tokens: [] }), /a token is needed/);
        const server = await serve({ host, tokens: [{ token: 'secret' }] });
        assert.equal((await ask(`${server.url}/api/v1/jobs`)).status, 401);
        const headers = { authorization: 'Bearer secret' };
        assert.equal((await ask(`${server.url}/api/v1/jobs`, { headers })).status, 200);
      });
    }

    it('on localhost without one', async () => {
      assert.equal((await ask(`${(await serve({ host: 'localhost' })).url}/api/v1/jobs`)).status, 200);
    });

    it('nowhere when an option cannot be', async () => {
      await assert.rejects(serve({ port: 65_536 }), RangeError);
      await assert.rejects(serve({ port: 1.5 }), RangeError);
      await assert.rejects(serve({ tokens: [{ token: '' }] }), RangeError);
      await assert.rejects(serve({ allowedHosts: ['http://x'] }), RangeError);
      await assert.rejects(serve({ limits: { streams: 0 } }), RangeError);
      await assert.rejects(serve({ host: '192.0.2.1', tokens: [{ token: 'x' }] }), { code: 'EADDRNOTAVAIL' });
    });
  });

  describe('answers', () => {
    it('with what the reader says', async () => {
      store.writeWhole({ id: 'a' }, ['one', 'two', 'three']);
      store.writeWhole({ id: 'b', at: Date.UTC(2026, 0, 28) });
      const { url } = await serve();
      const json = async (path: string): Promise<unknown> => {
        const answer = await ask(url + path);
        assert.equal(answer.status, 200, path);
        assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
        return JSON.parse(answer.text);
      };
      assert.deepEqual(await json('/api/v1/jobs'), await reader.listJobs({}));
      assert.deepEqual(
        await json('/api/v1/jobs?from=2026-01-27&to=2026-01-27&limit=1'),
        await reader.listJobs({ from: '2026-01-27', to: '2026-01-27', limit: 1 }),
      );
      assert.deepEqual(await json('/api/v1/jobs/a'), await reader.getJob('a'));
      assert.deepEqual(await json('/api/v1/jobs/a/logs'), await reader.getJobLogs({ job_run_id: 'a' }));
      assert.deepEqual(
        await json('/api/v1/jobs/a/logs?since=2026-01-27T11:30:00.002%2B01:00&level=info&limit=2'),
        await reader.getJobLogs({
          job_run_id: 'a',
          since_timestamp: BigInt(Date.UTC(2026, 0, 27, 10, 30, 0, 2)) * 1_000_000n,
          min_level: 1,
          limit: 2,
        }),
      );
      assert.deepEqual(await json('/api/v1/jobs/a/metrics'), await reader.getJobMetrics('a'));
      assert.deepEqual(await json('/api/v1/jobs/a/trace'), await reader.getJobTrace('a'));
      assert.deepEqual(await json('/api/v1/search?q=two'), await reader.search({ needle: 'two' }));
    });

    it('with a whole long log, page by page as in one piece', async () => {
      const lines = Array.from({ length: 3000 }, (_, n) => `line ${n}`);
      store.writeWhole({ id: 'long' }, lines);
      const { url } = await serve();
      const whole = await reader.getJobLogs({ job_run_id: 'long', limit: 10_000 });
      assert.equal(whole.entries.length, 3002);
      assert.deepEqual(JSON.parse((await ask(`${url}/api/v1/jobs/long/logs?limit=10000`)).text), whole);
      const some = await reader.getJobLogs({ job_run_id: 'long', limit: 700 });
      const answer = JSON.parse((await ask(`${url}/api/v1/jobs/long/logs?limit=700`)).text);
      assert.deepEqual(answer.entries, some.entries);
      assert.equal(answer.has_more, true);
      const next = JSON.parse((await ask(`${url}/api/v1/jobs/long/logs?cursor=${answer.next_cursor}`)).text);
      assert.equal(next.entries[0].sequence_number, 701);
    });

    it('to HEAD with the head alone', async () => {
      store.writeWhole({ id: 'a' });
      const { url } = await serve();
      for (const path of ['/healthz', '/api/v1/jobs', '/api/v1/jobs/a/logs', '/api/v1/jobs/a/logs/stream']) {
        const answer = await ask(url + path, { method: 'HEAD' });
        assert.deepEqual([answer.status, answer.text], [200, ''], path);
      }
      assert.equal((await ask(`${url}/api/v1/jobs/x`, { method: 'HEAD' })).status, 404);
    });

    it('with a problem document that names the parameter', async () => {
      const { url } = await serve();
      for (const [path, parameter] of [
        ['/api/v1/jobs?limit=0', 'limit'],
        ['/api/v1/jobs?from=yesterday', 'from'],
        ['/api/v1/jobs?misspelt=1', 'misspelt'],
        ['/healthz?x=1', 'x'],
        ['/api/v1/jobs/%', 'id'],
      ]) {
        const answer = await ask(url + path);
        assert.equal(answer.status, 400, path);
        assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/);
        assert.equal(JSON.parse(answer.text).parameter, parameter);
      }
    });

    it('404 for what there is not, 405 for what does not read', async () => {
      const { url } = await serve();
      for (const path of ['/', '/api', '/api/v1/jobs/', '/api/v1/jobs/a/b', '/api/v2/jobs', '/healthz/']) {
        assert.equal((await ask(url + path)).status, 404, path);
      }
      assert.equal(JSON.parse((await ask(`${url}/api/v1/jobs/none`)).text).code, 'unknown_job');
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
        const answer = await ask(`${url}/api/v1/jobs`, { method, ...(method === 'POST' ? BODY : {}) });
        assert.deepEqual([answer.status, answer.headers['allow']], [405, 'GET, HEAD'], method);
        assert.equal((await ask(`${url}/nothing`, { method })).status, 404, method);
      }
    });

    it('429 when what is held of answers without pages would be too much', async () => {
      const points = Array.from({ length: 10 }, () => ({
        event: 'task.metric',
        attributes: { 'metric.name': 'rows', 'metric.value': 1 },
      }));
      store.write({ id: 'a' }, points);
      const { url } = await serve({ limits: { wholeChars: 500 } });
      const answer = await ask(`${url}/api/v1/jobs/a/metrics`);
      assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '1']);
      assert.equal((await ask(`${url}/api/v1/jobs/a/logs`)).status, 200);
      const larger = await serve({ limits: { wholeChars: 5000 } });
      for (let n = 0; n < 20; n += 1) assert.equal((await ask(`${larger.url}/api/v1/jobs/a/metrics`)).status, 200);
    });

    it('500 without its own words when the reader fails, and tells them to its operator', async () => {
      const broken = new Proxy(reader, {
        get: () => () => Promise.reject(new Error('EIO: /secret/place')),
      });
      const { url } = await serve({ reader: broken });
      const answer = await ask(`${url}/api/v1/jobs`);
      assert.equal(answer.status, 500);
      assert.doesNotMatch(answer.text, /secret/);
      assert.deepEqual(failures.splice(0).map(String), ['Error: EIO: /secret/place']);
    });
  });

  describe('is guarded', () => {
    it('from names that are not its own, and from pages of others', async () => {
      const { url } = await serve({ allowedHosts: ['tasks.example'] });
      const status = async (headers: Record<string, string>): Promise<number> =>
        (await ask(`${url}/api/v1/jobs`, { headers })).status;
      assert.equal(await status({ host: 'evil.example' }), 421);
      assert.equal(await status({ host: 'evil.example:4390', origin: 'http://evil.example:4390' }), 421);
      assert.equal(await status({ host: 'tasks.example' }), 200);
      assert.equal(await status({ host: 'localhost:1', origin: 'http://localhost:1' }), 200);
      assert.equal(await status({ host: 'localhost:1', origin: 'http://localhost:2' }), 403);
      assert.equal(await status({ origin: 'null' }), 403);
      assert.equal(await status({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }), 403);
      assert.equal((await ask(`${url}/%zz`, { headers: { host: 'evil.example' } })).status, 421);
      assert.equal((await ask(`${url}/openapi.json`, { headers: { host: 'evil.example' } })).status, 421);
    });

    it('also where the host stands in the request line', async () => {
      const { port } = await serve({ tokens: [{ token: 'secret' }] });
      const answer = (target: string): Promise<string> =>
        sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      assert.match(await answer('http://evil.example/healthz'), /^HTTP\/1\.1 421 /);
      assert.match(await answer('http://x@localhost/healthz'), /^HTTP\/1\.1 421 /);
      assert.match(await answer('http://localhost/healthz'), /^HTTP\/1\.1 200 /);
      assert.match(await answer('http://localhost/api/v1/jobs'), /^HTTP\/1\.1 401 /);
      assert.match(await answer('/healthz/../api/v1/jobs'), /^HTTP\/1\.1 401 /);
      assert.match(await answer('/healthz%2f..%2fapi/v1/jobs'), /^HTTP\/1\.1 401 /);
    });

    it('and never says that other origins may read', async () => {
      store.writeWhole({ id: 'a' });
      const { url } = await serve();
      const headers = { origin: url, 'access-control-request-method': 'GET' };
      for (const path of ['/api/v1/jobs', '/api/v1/jobs/a/logs/stream', '/api/v1/jobs/none', '/openapi.json']) {
        for (const method of ['GET', 'OPTIONS']) {
          const answer = await ask(url + path, { headers, method });
          const cors = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));
          assert.deepEqual(cors, [], `${method} ${path}`);
          assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
          assert.equal(answer.headers['x-content-type-options'], 'nosniff');
          assert.equal(answer.headers['cache-control'], 'no-store');
        }
      }
    });

    it('by tokens, on loopback too, but for what has no secret', async () => {
      const { url } = await serve({ tokens: [{ token: 'secret' }] });
      for (const authorization of ['', 'Bearer', 'Bearer wrong', 'Basic secret', 'secret']) {
        const answer = await ask(`${url}/api/v1/jobs`, { headers: { authorization } });
        assert.deepEqual([answer.status, answer.headers['www-authenticate']], [401, 'Bearer'], authorization);
      }
      assert.equal((await ask(`${url}/api/v1/jobs?token=secret`)).status, 401);
      assert.equal((await ask(`${url}/nothing`)).status, 401);
      assert.equal((await ask(`${url}/api/v1/jobs/%zz`)).status, 401);
      assert.equal((await ask(`${url}/healthz`)).status, 200);
      assert.equal((await ask(`${url}/openapi.json`)).status, 200);
      assert.equal((await ask(`${url}/api/v1/jobs`, { headers: { authorization: 'bearer secret' } })).status, 200);
    });

    it('a token of one service shows its runs and no others', async () => {
      store.writeWhole({ id: 'mine', service: 'mail' }, ['found']);
      store.writeWhole({ id: 'other', service: 'shop' }, ['found']);
      const { url } = await serve({ tokens: [{ token: 'secret', service: 'mail' }, { token: 'all' }] });
      const as = async (token: string, path: string): Promise<{ status: number; text: string }> =>
        ask(url + path, { headers: { authorization: `Bearer ${token}` } });
      assert.deepEqual(
        JSON.parse((await as('secret', '/api/v1/jobs')).text).jobs.map((job: { job_id: string }) => job.job_id),
        ['mine'],
      );
      assert.equal(JSON.parse((await as('all', '/api/v1/jobs')).text).jobs.length, 2);
      assert.equal(JSON.parse((await as('all', '/api/v1/jobs?service=shop')).text).jobs.length, 1);
      assert.equal((await as('secret', '/api/v1/jobs?service=shop')).status, 403);
      assert.deepEqual(
        JSON.parse((await as('secret', '/api/v1/search?q=found')).text).hits.map(
          (hit: { job_id: string }) => hit.job_id,
        ),
        ['mine'],
      );
      for (const rest of ['', '/logs', '/metrics', '/trace', '/logs/stream']) {
        assert.equal((await as('secret', `/api/v1/jobs/mine${rest}`)).status, 200, rest);
        assert.equal((await as('secret', `/api/v1/jobs/other${rest}`)).status, 404, rest);
        assert.equal((await as('all', `/api/v1/jobs/other${rest}`)).status, 200, rest);
        assert.equal((await as('all', `/api/v1/jobs/other${rest}?service=mail`)).status, 404, rest);
        assert.equal((await as('secret', `/api/v1/jobs/mine${rest}?service=mail`)).status, 200, rest);
        assert.equal((await as('secret', `/api/v1/jobs/other${rest}?service=shop`)).status, 403, rest);
      }
      assert.equal((await as('secret', '/api/v1/metrics')).status, 403);
      assert.equal((await as('all', '/api/v1/metrics')).status, 200);
    });

    it('from what is no HTTP', async () => {
      const { port } = await serve();
      assert.match(
        await sendRaw(port, 'nonsense\r\n\r\n'),
        /^HTTP\/1\.1 400 Bad request\r\n.*problem\+json.*"status":400/s,
      );
      assert.match(
        await sendRaw(port, `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
        /^HTTP\/1\.1 431 .*"code":"headers_too_large"/s,
      );
      assert.match(await sendRaw(port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 4/);
      assert.match(await sendRaw(port, 'GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /);
    });
  });

  it('cuts off a request that does not come to its end', async () => {
    const { port } = await serve({ limits: { headersTimeoutMs: 20, requestTimeoutMs: 40 } });
    assert.match(await sendRaw(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: '), /^HTTP\/1\.1 4/);
  });

  describe('streams', () => {
    it('what there is, then what comes, and the end', async () => {
      store.write({ id: 'live' }, [STARTED, { body: 'before' }]);
      const { url } = await serve();
      const events = eventsOf(await open(`${url}/api/v1/jobs/live/logs/stream`));
      assert.equal((await events.next()).value?.data.event.event_type, 'started');
      assert.equal((await events.next()).value?.data.log.message, 'before');
      store.write({ id: 'live' }, [{ body: 'after' }, ENDED]);
      const after = (await events.next()).value;
      assert.equal(after?.data.log.message, 'after');
      assert.equal((await events.next()).value?.data.event.event_type, 'ended');
      assert.deepEqual((await events.next()).value, { id: 'end', event: 'end', data: {} });
      assert.equal((await events.next()).done, true);

      const headers = { 'last-event-id': after?.id ?? '' };
      const resumed = eventsOf(await open(`${url}/api/v1/jobs/live/logs/stream`, { headers }));
      assert.equal((await resumed.next()).value?.data.event.event_type, 'ended');
      assert.equal((await resumed.next()).value?.event, 'end');
      assert.equal((await resumed.next()).done, true);
    });

    it('nothing more to a client that has had the end', async () => {
      store.writeWhole({ id: 'a' });
      const { url } = await serve();
      const answer = await ask(`${url}/api/v1/jobs/a/logs/stream`, { headers: { 'last-event-id': 'end' } });
      assert.deepEqual([answer.status, answer.text], [204, '']);
    });

    it('nothing of a run that is not there, nor from a cursor that is none', async () => {
      store.writeWhole({ id: 'a' });
      const { url } = await serve();
      assert.equal((await ask(`${url}/api/v1/jobs/b/logs/stream`)).status, 404);
      const answer = await ask(`${url}/api/v1/jobs/a/logs/stream?cursor=nonsense`);
      assert.deepEqual([answer.status, JSON.parse(answer.text).parameter], [400, 'cursor']);
    });

    it('signs of life while nothing happens', async () => {
      store.write({ id: 'live' }, [STARTED]);
      const { url } = await serve({ limits: { heartbeatMs: 10 } });
      const response = await open(`${url}/api/v1/jobs/live/logs/stream`);
      let text = '';
      for await (const chunk of response) {
        text += String(chunk);
        if (text.endsWith(':\n\n:\n\n')) break;
      }
      assert.match(text, /event: entry/);
    });

    it('to as many clients as it may, and gives the place back when one leaves', async () => {
      store.write({ id: 'live' }, [STARTED]);
      const { url } = await serve({ limits: { streams: 1 } });
      const first = await open(`${url}/api/v1/jobs/live/logs/stream`);
      assert.equal(first.statusCode, 200);
      const second = await ask(`${url}/api/v1/jobs/live/logs/stream`);
      assert.deepEqual([second.status, second.headers['retry-after']], [429, '1']);
      first.destroy();
      for (let status = 429; status === 429; ) {
        const third = await open(`${url}/api/v1/jobs/live/logs/stream`);
        status = third.statusCode ?? 0;
        third.destroy();
      }
    });

    it('cannot hold the server up by taking nothing', async () => {
      store.writeWhole(
        { id: 'long' },
        Array.from({ length: 400 }, () => 'x'.repeat(50_000)),
      );
      const server = await serve();
      const stuck = await open(`${server.url}/api/v1/jobs/long/logs/stream`);
      stuck.on('error', () => stuck.destroy());
      await server.close();
      await assert.rejects(ask(`${server.url}/healthz`), { code: 'ECONNREFUSED' });
      stuck.destroy();
    });

    it('without an end when the server closes, so that the client comes back', async () => {
      store.write({ id: 'live' }, [STARTED]);
      const server = await serve();
      const events = eventsOf(await open(`${server.url}/api/v1/jobs/live/logs/stream`));
      assert.equal((await events.next()).value?.event, 'entry');
      await server.close();
      const next = await events.next().catch((error: unknown) => {
        assert.match(String(error), /aborted/);
        return { done: true };
      });
      assert.equal(next.done, true);
    });
  });
});

function occupied(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

interface StreamedEvent {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what it is
  readonly data: any;
}

async function* eventsOf(response: AsyncIterable<unknown>): AsyncGenerator<StreamedEvent, void, undefined> {
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    const parts = text.split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/: (.*)/, 2)));
      if (fields.event !== undefined) yield { id: fields.id, event: fields.event, data: JSON.parse(fields.data) };
    }
  }
}
