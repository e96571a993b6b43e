/**
 * Ordinary applications with queues, on real servers: what each does is the same whoever watches, and under the flag every
 * run of their jobs is in Jaeger, in Prometheus and in the files, as often as the application itself tells of it.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'mocha';
import {
  PHOTO_WEB,
  PHOTO_WORKER,
  type PhotoEnds,
  playPhotos,
  playShop,
  SHOP_ORDERS,
  SHOP_WORKER,
  type ShopEnds,
  UNWATCHED,
} from '../examples/example-plays.ts';
import { ExampleStage } from '../examples/example-stage.ts';
import { distinct, groupBy, idOf, outcomeOf, type Seen } from '../examples/seen-runs.ts';
import { countOf, type LogLine, logOf, photoEnds, photoLines, shopEnds, shopLines } from '../examples/told-runs.ts';
import type { JaegerSpan } from './harness/jaeger-query.ts';
import { PostgresServer } from './harness/postgres-server.ts';

/** In the place of the flag: jobs of pg-boss carry who sent them. */
const CARRIER_FLAG: readonly string[] = [
  '--import',
  fileURLToPath(new URL('../examples/pg-boss-carrier.mjs', import.meta.url)),
];

describe('the examples with queues', () => {
  let stage: ExampleStage;
  before(async () => {
    stage = await ExampleStage.start();
  });
  after(() => stage?.stop());

  describe('bullmq-app', () => {
    let plain: ShopEnds;
    let flagged: ShopEnds;
    let seen: Seen;
    let producers: readonly JaegerSpan[];
    let lines: readonly LogLine[];
    before(async () => {
      // Each in a database of its own.
      [plain, flagged] = await Promise.all([
        playShop(`${stage.redis.url}/1`, UNWATCHED),
        playShop(`${stage.redis.url}/2`, stage.watch()),
      ]);
      lines = logOf(plain.worker);
      seen = await stage.seenRuns(SHOP_WORKER, shopEnds(logOf(flagged.worker)));
      producers = await stage.spansOf(SHOP_ORDERS, 'producer');
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
      const told = countOf(lines.map(({ message }) => String(message)));
      assert.equal(told['reserved'], 2);
      assert.ok(told['the supplier asks for patience'] !== undefined);
      assert.ok(told['not there yet, packed later'] !== undefined);
      const packed = lines.flatMap(({ message, item }) => (message === 'packed' ? [item] : []));
      assert.deepEqual([...packed].sort(), ['chair', 'lamp']);
      assert.deepEqual(lines.find(({ message }) => message === 'shipped')?.['packed'], ['chair', 'lamp']);
    });

    it('prints and ends alike, whoever watches', () => {
      for (const { orders, worker } of [plain, flagged]) {
        assert.deepEqual(orders, {
          code: 0,
          signal: null,
          stdout: 'order order-7 placed: lamp, chair\n',
          stderr: '',
        });
        assert.deepEqual([worker.code, worker.signal, worker.stderr], [0, null, '']);
        assert.equal(logOf(worker).at(-1)?.['message'], 'stopped');
      }
      // How often a job is put off, and what is reserved by then, is up to the clock.
      const told = ({ worker }: ShopEnds): string[] =>
        distinct(
          logOf(worker).flatMap(({ timestamp: _, waitMs: __, reserved: ___, ...line }) =>
            line['message'] === 'not there yet, packed later' ? [] : [JSON.stringify(line)],
          ),
        );
      assert.deepEqual(told(flagged), told(plain));
    });

    it('every kind of job has its statuses and attempts', () => {
      const told = (operation: string): unknown[] => seen.runs.filter((run) => run.name === operation).map(outcomeOf);
      assert.deepEqual(told('charge'), [
        'payments.1.1: failure BankTimeout, attempt 1/3, again',
        'payments.1.2: failure BankTimeout, attempt 2/3, again',
        'payments.1.3: success, attempt 3/3',
      ]);
      assert.deepEqual(told('confirmation'), [
        'mail.1.1: success, attempt 1/1',
        'mail.2.1: failure UnrecoverableError, attempt 1/1, not again',
      ]);
      assert.deepEqual(told('review-request'), ['mail.3.1: success, attempt 1/1']);
      assert.deepEqual(distinct(told('reserve').map(withoutStart)), [
        'stock.1: success, attempt 1/1',
        'stock.2: deferred, attempt 1/1',
        'stock.2: success, attempt 1/1',
      ]);
      for (const operation of ['pack', 'ship']) {
        const jobs = groupBy(
          seen.runs.filter((run) => run.name === operation),
          (run) => String(run.tags['task.job.id']),
        );
        assert.equal(jobs.size, operation === 'pack' ? 2 : 1);
        for (const [id, starts] of jobs) {
          assert.deepEqual(
            starts.map(outcomeOf),
            starts.map((_, at) => {
              const status = at === starts.length - 1 ? 'success' : 'deferred';
              return `shipping.${id}.${at + 1}: ${status}, attempt 1/1`;
            }),
          );
        }
      }
      const counts = seen.runs.filter((run) => run.name === 'count');
      const slots = counts.map(({ tags }) => Number(tags['task.scheduled_at']));
      assert.ok(
        slots.every((slot, at) => at === 0 || slot > (slots[at - 1] ?? slot)),
        `slots ${slots.join(' ')}`,
      );
      for (const { tags } of counts) {
        assert.deepEqual([tags['task.trigger'], tags['task.schedule']], ['schedule', 'every 1000 ms']);
        assert.equal(tags['task.job.id'], `repeat:stock-count:${Math.round(Number(tags['task.scheduled_at']) * 1000)}`);
      }
    });

    it('every run is linked to what enqueued it in the other process, but what a schedule makes', () => {
      const bySpan = new Map(producers.map((span) => [idOf(span), span]));
      assert.equal(producers.length, 6);
      const destinations: Readonly<Record<string, string>> = {
        charge: 'payments add',
        confirmation: 'mail addBulk',
        'review-request': 'mail add',
        reserve: 'stock add',
        pack: 'shipping add',
        ship: 'shipping add',
      };
      for (const { name, service, links, parent, tags } of seen.runs) {
        assert.deepEqual([service, parent, tags['span.kind']], [SHOP_WORKER, undefined, 'consumer']);
        const [from, ...others] = links.map((link) => bySpan.get(link));
        assert.deepEqual(others, []);
        const { 'messaging.destination.name': queue, 'messaging.operation.name': call } = from?.tags ?? {};
        assert.equal(from && `${queue} ${call}`, destinations[name], name);
        assert.equal(from?.service, name === 'count' ? undefined : SHOP_ORDERS);
        // A call for one job alone says which.
        if (queue !== undefined && from?.tags['messaging.batch.message_count'] === undefined)
          assert.equal(from?.tags['messaging.message.id'], tags['messaging.message.id']);
      }
      assertMessaging(seen.runs, 'bullmq');
    });

    it('what winston writes in a run is in the file of the run', () => {
      assert.deepEqual(seen.lines, shopLines(logOf(flagged.worker)));
      const charging = seen.tree.records.filter(({ body }) => body === 'charging');
      assert.deepEqual(
        charging.map(({ attributes }) => `${attributes['orderId']} ${attributes['task.id']}`).sort(),
        [1, 2, 3].map((attempt) => `order-7 payments.1.${attempt}`),
      );
    });
  });

  describe('pg-boss-app', () => {
    let postgres: PostgresServer;
    let plain: PhotoEnds;
    let flagged: PhotoEnds;
    let seen: Seen;
    let producers: readonly JaegerSpan[];
    before(async () => {
      postgres = await PostgresServer.start();
      const [one, other] = [await postgres.createDatabase(), await postgres.createDatabase()];
      [plain, flagged] = await Promise.all([playPhotos(one, UNWATCHED), playPhotos(other, stage.watch())]);
      seen = await stage.seenRuns(PHOTO_WORKER, photoEnds(logOf(flagged.worker)));
      producers = await stage.spansOf(PHOTO_WEB, 'producer');
    });
    after(() => postgres?.stop());

    it('notifies followers at the third attempt', () => {
      for (const photo of ['p1', 'p2']) {
        const own = countOf(logOf(plain.worker).flatMap(({ photo: of, msg }) => (of === photo ? [String(msg)] : [])));
        assert.deepEqual([own['notifying followers'], own['followers notified']], [3, 1]);
      }
    });

    it('checks each upload once, and works the words in batches', () => {
      const lines = logOf(plain.worker);
      assert.deepEqual(
        lines.flatMap(({ msg, photo }) => (/^upload /.test(String(msg)) ? [`${photo} ${msg}`] : [])).sort(),
        ['p1 upload checked', 'p2 upload refused'],
      );
      const batches = lines.flatMap(({ words }) => (Array.isArray(words) ? [words] : []));
      assert.deepEqual(batches.flat().sort(), ['boats', 'notes', 'red', 'two']);
      assert.ok(batches.some((batch) => batch.length > 1));
    });

    it('prints and ends alike, whoever watches', () => {
      for (const end of [plain, flagged].flatMap(({ web, worker }) => [web, worker])) {
        assert.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
        assert.equal(logOf(end).at(-1)?.['msg'], 'stopped');
      }
      // How many words are worked at once is up to the clock, and so is who does what first.
      const told = ({ web, worker }: PhotoEnds): string[] =>
        distinct(
          [...logOf(web), ...logOf(worker)].map(({ time: _, pid: __, hostname: ___, words: ____, ...line }) =>
            JSON.stringify(line).replace(/:\d+"/, ':PORT"'),
          ),
        );
      assert.deepEqual(told(flagged), told(plain));
    });

    it('every kind of job has its statuses and attempts', () => {
      const told = (queue: string): string[] => {
        const runs = seen.runs.filter((run) => run.name === queue);
        return [...groupBy(runs, (run) => String(run.tags['task.job.id']))].flatMap(([id, attempts]) =>
          attempts.map((run) => outcomeOf(run).replace(`${queue}.${id}.`, '')),
        );
      };
      const thrice = [
        '1: failure PushTimeout, attempt 1/3, again',
        '2: failure PushTimeout, attempt 2/3, again',
        '3: success, attempt 3/3',
      ];
      assert.deepEqual(told('notify-followers'), [...thrice, ...thrice]);
      assert.deepEqual(told('check-upload').sort(), [
        '1: failure TypeError, attempt 1/1, not again',
        '1: success, attempt 1/1',
      ]);
      for (const [queue, count] of [
        ['make-thumbnail', 2],
        ['remove-draft', 2],
        ['index-photos', 4],
      ] as const) {
        assert.deepEqual(told(queue), Array(count).fill('1: success, attempt 1/3'), queue);
      }
      const batches = logOf(flagged.worker).flatMap(({ words }) => (Array.isArray(words) ? [words.length] : []));
      assert.deepEqual(
        seen.runs
          .filter((run) => run.name === 'index-photos')
          .map(({ tags }) => Number(tags['task.batch.size'] ?? 1))
          .sort(),
        batches.flatMap((size) => Array<number>(size).fill(size)).sort(),
      );
    });

    it('every run is found by the id of the job that the web server sent, as a job has no slot for more', () => {
      assert.equal(producers.length, 10);
      const sent = new Map(producers.map((span) => [span.tags['messaging.message.id'], span]));
      for (const { name, service, links, parent, tags } of seen.runs) {
        assert.deepEqual([service, parent, tags['span.kind'], links], [PHOTO_WORKER, undefined, 'consumer', []]);
        const from = sent.get(tags['messaging.message.id']);
        // `insert` tells no ids.
        assert.equal(from?.service, name === 'index-photos' ? undefined : PHOTO_WEB);
        if (from !== undefined) assert.equal(from.tags['messaging.destination.name'], name);
      }
      assertMessaging(seen.runs, 'pg-boss');
    });

    it('what pino writes in a run is in the file of the run', () => {
      assert.deepEqual(seen.lines, photoLines(logOf(flagged.worker)));
      const refused = seen.tree.records.filter(({ body }) => body === 'upload refused');
      assert.deepEqual(
        refused.map(({ attributes, severityText }) => [attributes['photo'], severityText.toUpperCase()]),
        [['p2', 'WARN']],
      );
    });

    it('every run is linked to what sent it where the operator lets jobs carry that in their data', async () => {
      const database = await postgres.createDatabase();
      const ends = await playPhotos(database, stage.watch({ flags: CARRIER_FLAG, suffix: '-carried' }));
      for (const end of [ends.web, ends.worker]) assert.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
      const { runs } = await stage.seenRuns(`${PHOTO_WORKER}-carried`, photoEnds(logOf(ends.worker)));
      const sent = await stage.spansOf(`${PHOTO_WEB}-carried`, 'producer');
      const bySpan = new Map(sent.map((span) => [idOf(span), span]));
      for (const { name, links } of runs) {
        assert.deepEqual(
          links.map((link) => bySpan.get(link)?.tags['messaging.destination.name']),
          [name],
        );
      }
    });
  });
});

/** `stock.2.7: …` without how often the job was started. */
function withoutStart(outcome: unknown): string {
  return String(outcome).replace(/\.\d+:/, ':');
}

function assertMessaging(runs: readonly JaegerSpan[], system: string): void {
  for (const { tags } of runs) {
    assert.deepEqual(
      [tags['messaging.system'], tags['messaging.operation.type'], tags['task.library']],
      [system, 'process', system],
    );
    assert.equal(tags['messaging.message.id'], tags['task.job.id']);
    const queue = tags['messaging.destination.name'];
    assert.ok(String(tags['task.id']).startsWith(`${queue}.${tags['task.job.id']}.`), `${tags['task.id']} of ${queue}`);
  }
}
