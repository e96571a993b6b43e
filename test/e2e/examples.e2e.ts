/** Ordinary applications on real servers: what each does is the same whoever watches. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { type ExampleEnd, ExampleProcess } from '../examples/example-process.ts';
import { ROOT } from '../house/source-tree.ts';
import { PostgresServer } from './harness/postgres-server.ts';
import { RedisServer } from './harness/redis-server.ts';

const execute = promisify(execFile);

/** A line of a JSON logger. */
type LogLine = Readonly<Record<string, unknown>>;

describe('the examples, as they are', () => {
  describe('bullmq-app', () => {
    const example = 'bullmq-app';
    let redis: RedisServer;
    let worker: ExampleProcess;
    let workerEnd: ExampleEnd;
    let lines: readonly LogLine[];
    before(async () => {
      redis = await RedisServer.start();
      const env = { REDIS_URL: redis.url };
      worker = new ExampleProcess({ example, file: 'src/worker.js', env });
      await worker.printed(/worker ready/);
      const args = ['order-7', 'lamp', 'chair'];
      const producer = await new ExampleProcess({ example, file: 'src/producer.js', args, env }).ended;
      assert.deepEqual(producer, {
        code: 0,
        signal: null,
        stdout: 'order order-7 placed: lamp, chair\n',
        stderr: '',
      });
      await worker.printed(/"charged"/, /"shipped"/, /sent review-request/, /stock counted[\s\S]*stock counted/);
      workerEnd = await worker.end();
      lines = logOf(workerEnd);
    });
    after(async () => {
      await worker?.stop();
      await redis?.stop();
    });

    it('charges at the third attempt', () => {
      const tries = lines.filter(({ message, queue }) => message === 'charging' || queue === 'payments');
      assert.deepEqual(
        tries.map(({ message, attempt, error }) => [message, attempt, error]),
        [
          ['charging', 1, undefined],
          ['job failed', 1, 'BankTimeout: the bank did not answer'],
          ['charging', 2, undefined],
          ['job failed', 2, 'BankTimeout: the bank did not answer'],
          ['charging', 3, undefined],
        ],
      );
      assert.equal(lines.find(({ message }) => message === 'charged')?.['receipt'], 'order-7-2500');
    });

    it('sends mail, later where asked to, and fails for good where there is no address', () => {
      const sent = lines.flatMap(({ message }) => (/^sent /.test(String(message)) ? [message] : []));
      assert.deepEqual(sent, ['sent confirmation', 'sent review-request']);
      const failed = lines.filter(({ queue }) => queue === 'mail');
      assert.deepEqual(
        failed.map(({ job, attempt, error }) => [job, attempt, error]),
        [['confirmation', 1, 'UnrecoverableError: not an address: the shop, at its counter']],
      );
    });

    it('ships when all is packed, which waits for the supplier, who asks for patience', () => {
      assert.equal(countOf(lines, 'reserved'), 2);
      assert.ok(countOf(lines, 'the supplier asks for patience') > 0);
      assert.ok(countOf(lines, 'not there yet, packed later') > 0);
      const packed = lines.flatMap(({ message, item }) => (message === 'packed' ? [item] : []));
      assert.deepEqual([...packed].sort(), ['chair', 'lamp']);
      assert.deepEqual(lines.find(({ message }) => message === 'shipped')?.['packed'], ['chair', 'lamp']);
    });

    it('stops in order', () => {
      assert.deepEqual([workerEnd.code, workerEnd.signal, workerEnd.stderr], [0, null, '']);
      assert.equal(lines.at(-1)?.['message'], 'stopped');
    });
  });

  describe('pg-boss-app', () => {
    const example = 'pg-boss-app';
    let postgres: PostgresServer;
    let web: ExampleProcess;
    let worker: ExampleProcess;
    let ends: readonly ExampleEnd[];
    let lines: readonly LogLine[];
    before(async () => {
      postgres = await PostgresServer.start();
      const env = { DATABASE_URL: await postgres.createDatabase(), PORT: '0' };
      const setUp = await new ExampleProcess({ example, file: 'src/set-up.js', env }).ended;
      assert.equal(setUp.code, 0, setUp.stderr);
      worker = new ExampleProcess({ example, file: 'src/worker.js', env });
      web = new ExampleProcess({ example, file: 'src/web.js', env });
      await Promise.all([worker.printed(/worker ready/), web.printed(/listening on/)]);
      const [url = ''] = /http:[\d./:]+/.exec(web.stdout) ?? [];
      await post(`${url}/photos`, { id: 'p1', file: 'two-red-boats.jpg', followers: 12 });
      await post(`${url}/photos`, { id: 'p2', file: 'notes.txt', followers: 3 });
      const each = (photo: string): RegExp[] => [
        new RegExp(`"${photo}".*"making thumbnail"`),
        new RegExp(`"${photo}".*"followers notified"`),
        new RegExp(`"${photo}".*"draft removed"`),
      ];
      await worker.printed(...each('p1'), ...each('p2'), /upload checked/, /upload refused/, /"notes"/, /"two"/);
      ends = await Promise.all([web.end(), worker.end()]);
      lines = ends.flatMap(logOf);
    });
    after(async () => {
      await Promise.all([web?.stop(), worker?.stop()]);
      await postgres?.stop();
    });

    it('notifies followers at the third attempt', () => {
      for (const photo of ['p1', 'p2']) {
        const own = lines.filter((line) => line['photo'] === photo);
        assert.equal(own.filter(({ msg }) => msg === 'notifying followers').length, 3);
        assert.equal(own.filter(({ msg }) => msg === 'followers notified').length, 1);
      }
    });

    it('checks each upload once, and works the words in batches', () => {
      assert.deepEqual(
        lines.flatMap(({ msg, photo }) => (/^upload /.test(String(msg)) ? [`${photo} ${msg}`] : [])).sort(),
        ['p1 upload checked', 'p2 upload refused'],
      );
      const batches = lines.flatMap(({ words }) => (Array.isArray(words) ? [words] : []));
      assert.deepEqual(batches.flat().sort(), ['boats', 'notes', 'red', 'two']);
      assert.ok(batches.some((batch) => batch.length > 1));
    });

    it('stops in order', () => {
      for (const end of ends) assert.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
      assert.equal(lines.filter(({ msg }) => msg === 'stopped').length, 2);
    });
  });

  describe('nest-schedule-app', () => {
    let redis: RedisServer;
    let app: ExampleProcess;
    before(async () => {
      redis = await RedisServer.start();
      await execute('npm', ['run', '--silent', 'build', '-w', 'nest-schedule-app'], {
        cwd: ROOT,
        shell: process.platform === 'win32',
      });
    });
    after(async () => {
      await app?.stop();
      await redis?.stop();
    });

    it('sends its newsletter where there is a Redis, beside what is scheduled', async () => {
      app = new ExampleProcess({
        example: 'nest-schedule-app',
        file: 'dist/main.js',
        env: { REDIS_URL: redis.url },
      });
      await app.printed(
        /newsletter sent to ann@example\.com/,
        /newsletter sent to cid@example\.com/,
        /newsletter failed: not an address: bob \(gone\)/,
        /prices collected/,
        /\[Scheduler\] MailServerBusy/,
      );
      assert.equal((await app.end()).signal, 'SIGTERM');
    });
  });
});

function logOf({ stdout }: ExampleEnd): readonly LogLine[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

function countOf(lines: readonly LogLine[], message: string): number {
  return lines.filter((line) => line['message'] === message).length;
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 202, await response.text());
}
