/**
 * Ordinary applications on real servers: what each does is the same whoever watches, and under the flag every run of
 * their jobs is in Jaeger, in Prometheus and in the files, as often as the application itself tells of it.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import {
  PHOTO_WEB,
  PHOTO_WORKER,
  type PhotoEnds,
  playCron,
  playNest,
  playPhotos,
  playShop,
  SHOP_ORDERS,
  SHOP_WORKER,
  type ShopEnds,
  UNWATCHED,
  type Watch,
} from '../examples/example-plays.ts';
import { type ExampleEnd, killLeftExamples } from '../examples/example-process.ts';
import {
  countOf,
  cronEnds,
  cronLines,
  type Ends,
  type LogLine,
  linesOf,
  logOf,
  nestEnds,
  photoEnds,
  photoLines,
  shopEnds,
  shopLines,
} from '../examples/told-runs.ts';
import { ROOT } from '../house/source-tree.ts';
import type { JaegerSpan } from './harness/jaeger-query.ts';
import { JobLogTree } from './harness/job-log-tree.ts';
import { PipelineServers } from './harness/pipeline-servers.ts';
import { poll } from './harness/poll.ts';
import { PostgresServer } from './harness/postgres-server.ts';
import { RedisServer } from './harness/redis-server.ts';
import { assertWholeRuns } from './harness/run-log.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

const execute = promisify(execFile);

const FLAG: readonly string[] = ['--import', 'taskspan/register'];

/** In the place of the flag: jobs of pg-boss carry who sent them. */
const CARRIER_FLAG: readonly string[] = [
  '--import',
  fileURLToPath(new URL('../examples/pg-boss-carrier.mjs', import.meta.url)),
];

const CRON_LIBRARIES = ['cron', 'node-cron', 'croner'] as const;

describe('the examples', () => {
  let scratch: ScratchFolder;
  let servers: PipelineServers;
  let redis: RedisServer;
  before(async () => {
    scratch = new ScratchFolder();
    [servers, redis] = await Promise.all([PipelineServers.start(scratch.folder('servers')), RedisServer.start()]);
  });
  after(async () => {
    killLeftExamples();
    await Promise.all([servers?.stop(), redis?.stop()]);
    scratch.remove();
  });

  describe('bullmq-app', () => {
    let plain: ShopEnds;
    let flagged: ShopEnds;
    let seen: Seen;
    let producers: readonly JaegerSpan[];
    let lines: readonly LogLine[];
    before(async () => {
      // Each in a database of its own.
      [plain, flagged] = await Promise.all([
        playShop(`${redis.url}/1`, UNWATCHED),
        playShop(`${redis.url}/2`, watch()),
      ]);
      lines = logOf(plain.worker);
      seen = await seenRuns(SHOP_WORKER, shopEnds(logOf(flagged.worker)));
      producers = await spansOfKind(SHOP_ORDERS, 'producer');
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
      [plain, flagged] = await Promise.all([playPhotos(one, UNWATCHED), playPhotos(other, watch())]);
      seen = await seenRuns(PHOTO_WORKER, photoEnds(logOf(flagged.worker)));
      producers = await spansOfKind(PHOTO_WEB, 'producer');
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
      const ends = await playPhotos(database, watch({ flags: CARRIER_FLAG, suffix: '-carried' }));
      for (const end of [ends.web, ends.worker]) assert.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
      const { runs } = await seenRuns(`${PHOTO_WORKER}-carried`, photoEnds(logOf(ends.worker)));
      const sent = await spansOfKind(`${PHOTO_WEB}-carried`, 'producer');
      const bySpan = new Map(sent.map((span) => [idOf(span), span]));
      for (const { name, links } of runs) {
        assert.deepEqual(
          links.map((link) => bySpan.get(link)?.tags['messaging.destination.name']),
          [name],
        );
      }
    });
  });

  describe('nest-schedule-app', () => {
    let plain: ExampleEnd;
    let flagged: ExampleEnd;
    let seen: Seen;
    before(async () => {
      await execute('npm', ['run', '--silent', 'build', '-w', 'nest-schedule-app'], {
        cwd: ROOT,
        shell: process.platform === 'win32',
      });
      [plain, flagged] = await Promise.all([
        playNest(`${redis.url}/3`, UNWATCHED),
        playNest(`${redis.url}/4`, watch()),
      ]);
      seen = await seenRuns('nest-app', countOf(Object.entries(nestEnds(flagged)).flatMap(withoutLibrary)));
    });

    it('prints and ends alike, whoever watches', () => {
      assert.deepEqual([plain.signal, flagged.signal], ['SIGTERM', 'SIGTERM']);
      const told = ({ stdout }: ExampleEnd): string[] =>
        distinct(
          linesOf(stdout).map((line) =>
            line.replace(/^.*? +(?=(LOG|WARN) \[)/, '').replace(/\d+ (?=prices )|\+\d+ms/g, ''),
          ),
        );
      assert.deepEqual(told(flagged), told(plain));
      assert.doesNotMatch(flagged.stderr, /^taskspan:/m);
    });

    it('every method and every job is one run, although what schedules it is stacked', () => {
      const told = ({ name, tags }: JaegerSpan): string => `${tags['task.library']} ${name} ${tags['task.status']}`;
      assert.deepEqual(countOf(seen.runs.filter(isNotCancelled).map(told)), nestEnds(flagged));
      assertOneRunPerSlot(seen.runs);
    });

    it('a job that Nest reports and goes on has failed, with its own error', () => {
      const reports = seen.runs.filter(({ name }) => name === 'send-report');
      for (const { tags } of reports) {
        assert.deepEqual([tags['task.status'], tags['error.type'], tags['error']], ['failure', 'MailServerBusy', true]);
        assert.equal(tags['task.schedule'], '*/2 * * * * *');
        assert.equal(Number(tags['task.scheduled_at']) % 2, 0);
      }
    });

    it('a job of its queue is linked to the scheduled run that added it', async () => {
      const spans = await servers.jaeger.spans('nest-app');
      const bySpan = new Map(spans.map((span) => [idOf(span), span]));
      const jobs = seen.runs.filter(({ tags }) => tags['task.library'] === 'bullmq');
      for (const { traceId, links } of jobs) {
        const [producer, ...others] = links.map((link) => bySpan.get(link));
        assert.deepEqual(others, []);
        const adder = bySpan.get(`${producer?.traceId} ${producer?.parent}`);
        assert.deepEqual(
          [producer?.tags['span.kind'], adder?.name, adder?.tags['task.library']],
          ['producer', 'newsletter', 'nest-schedule'],
        );
        assert.notEqual(adder?.traceId, traceId);
      }
    });
  });

  describe('cron-app', () => {
    const plain = new Map<string, ExampleEnd>();
    const flagged = new Map<string, ExampleEnd>();
    before(async () => {
      // All at once, as each needs some seconds of the clock and little else.
      await Promise.all(
        CRON_LIBRARIES.flatMap((library) => [
          playCron(library, UNWATCHED).then((end) => plain.set(library, end)),
          playCron(library, watch({ env: { TASKSPAN_CONSOLE: 'on' } })).then((end) => flagged.set(library, end)),
        ]),
      );
    });

    for (const library of CRON_LIBRARIES) {
      describe(`with ${library}`, () => {
        let end: ExampleEnd;
        let seen: Seen;
        before(async () => {
          end = endOf(flagged, library);
          seen = await seenRuns(`jobs-${library}`, cronEnds(end));
        });

        it('prints and ends alike, whoever watches', () => {
          const other = endOf(plain, library);
          assert.deepEqual([end.code, end.signal], [other.code, other.signal]);
          const told = ({ stdout }: ExampleEnd): string[] =>
            distinct(linesOf(stdout).map((line) => line.replace(/\d+ (?=prices )/, '')));
          assert.deepEqual(told(end), told(other));
          assert.doesNotMatch(end.stderr, /^taskspan:/m);
        });

        it('every tick is one run, with its slot', () => {
          for (const { name, tags, links, parent } of seen.runs) {
            assert.deepEqual([tags['task.library'], tags['task.trigger']], [library, 'schedule']);
            assert.equal(tags['task.schedule'], name === 'send-report' ? '*/2 * * * * *' : '* * * * * *');
            assert.deepEqual([links, parent], [[], undefined]);
          }
          assert.equal(assertOneRunPerSlot(seen.runs), seen.runs.length);
        });

        it('what failed says why', () => {
          const failed = seen.runs.filter(({ tags }) => tags['task.status'] === 'failure');
          assert.deepEqual(distinct(failed.map(({ name, tags }) => `${name} ${tags['error.type']}`)), [
            'send-report Error',
          ]);
        });

        it('ticks that were left out, as two runs would overlap, are counted', async () => {
          const slots = seen.runs
            .filter(({ name }) => name === 'rebuild-index')
            .map(({ tags }) => Number(tags['task.scheduled_at']))
            .sort((one, other) => one - other);
          const between = slots.reduce((sum, slot, at) => sum + (at === 0 ? 0 : slot - (slots[at - 1] ?? slot) - 1), 0);
          const left = await servers.prometheus.query(
            `async_operations_missed_total{job="jobs-${library}",operation="rebuild-index"} != 0`,
          );
          const counted = left.reduce((sum, { value }) => sum + value, 0);
          assert.ok(left.some(({ labels }) => labels['reason'] === 'overlap'));
          assert.ok(between > 0);
          // Another one may have passed while the last run came to its end.
          assert.ok(counted === between || counted === between + 1, `${counted} counted, ${between} between runs`);
        });

        it('what is printed in a run is in the file of the run', () => {
          const printed = cronLines(end);
          const filed = Object.entries(seen.lines).filter(([line]) => line in printed);
          assert.deepEqual(Object.fromEntries(filed), printed);
        });
      });
    }
  });

  /** Flag and environment of what is watched. */
  function watch({
    flags = FLAG,
    suffix = '',
    env = {},
  }: {
    readonly flags?: readonly string[];
    readonly suffix?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {}): Watch {
    return {
      flags,
      env: (service) => ({
        ...servers.appEnvironment,
        OTEL_SERVICE_NAME: `${service}${suffix}`,
        OTEL_EXPORTER_PROMETHEUS_PORT: '0',
        TASKSPAN_DIR: scratch.folder('apps', `${service}${suffix}`),
        ...env,
      }),
    };
  }

  /**
   * The runs of a service, when files, Jaeger and Prometheus all know of those that the application has told of. What
   * the end of the process cut off it may not have told of.
   */
  async function seenRuns(service: string, told: Ends): Promise<Seen> {
    return await poll(`the runs of ${service} in files, Jaeger and Prometheus`, async () => {
      const tree = new JobLogTree(servers.collector.logsFolder, service);
      const filed = Object.fromEntries([...tree.endings()].sort(([one], [other]) => (one < other ? -1 : 1)));
      assert.deepEqual(Object.fromEntries(Object.entries(filed).filter(([end]) => !/ cancelled$/.test(end))), told);
      const spans = await servers.jaeger.spans(service);
      const runs = spans.filter((span) => span.service === service && 'task.status' in span.tags).sort(bySlotOrId);
      assert.deepEqual(countOf(runs.map(({ name, tags }) => `${name} ${tags['task.status']}`)), filed);
      for (const metric of ['async_operations_total', 'async_operation_duration_seconds_count']) {
        const rows = await servers.prometheus.query(`${metric}{job="${service}"} != 0`);
        const counted = rows.map(({ labels, value }) => [`${labels['operation']} ${labels['status']}`, value] as const);
        assert.deepEqual(Object.fromEntries(counted), filed, metric);
      }
      assert.deepEqual(
        assertWholeRuns(tree),
        distinct(runs.map(({ tags }) => String(tags['task.id']))),
        'each run has an id and a file of its own',
      );
      assert.equal(distinct(runs.map(({ tags }) => String(tags['task.id']))).length, runs.length, 'no id twice');
      const lines = tree.files.flatMap(({ path, records }) =>
        records.flatMap(({ eventName, attributes, body }) => {
          if (eventName !== '' || attributes['task.id'] === undefined) return [];
          assert.equal(path, `${attributes['task.file']}.jsonl`);
          return [`${attributes['operation']}: ${body}`];
        }),
      );
      return { tree, runs, lines: countOf(lines) };
    });
  }

  async function spansOfKind(service: string, kind: string): Promise<readonly JaegerSpan[]> {
    const spans = await servers.jaeger.spans(service);
    return spans.filter((span) => span.service === service && span.tags['span.kind'] === kind);
  }
});

/** What Jaeger and the files know of the runs of a service. */
interface Seen {
  readonly tree: JobLogTree;
  readonly runs: readonly JaegerSpan[];
  /** `<operation>: <body>` of each line that was logged in a run, with how many there are. */
  readonly lines: Ends;
}

function outcomeOf({ tags }: JaegerSpan): string {
  const { 'task.id': id, 'task.status': status, 'error.type': error, 'task.will_retry': again } = tags;
  const end = error === undefined ? status : `${status} ${error}`;
  const retry = again === undefined ? '' : again === true ? ', again' : ', not again';
  return `${id}: ${end}, attempt ${tags['task.attempt']}/${tags['task.max_attempts']}${retry}`;
}

/** `stock.2.7: …` without how often the job was started. */
function withoutStart(outcome: unknown): string {
  return String(outcome).replace(/\.\d+:/, ':');
}

function withoutLibrary([end, count]: readonly [string, number]): string[] {
  return Array<string>(count).fill(end.slice(end.indexOf(' ') + 1));
}

function isNotCancelled({ tags }: JaegerSpan): boolean {
  return tags['task.status'] !== 'cancelled';
}

/** Throws when a slot of an operation has two runs. Returns how many runs know their slot. */
function assertOneRunPerSlot(runs: readonly JaegerSpan[]): number {
  const slots = runs.flatMap(({ name, tags }) =>
    tags['task.scheduled_at'] === undefined ? [] : [`${name} ${tags['task.scheduled_at']}`],
  );
  assert.deepEqual(slots.length, distinct(slots).length, `a slot has two runs: ${slots.join(', ')}`);
  return slots.length;
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

function idOf({ traceId, spanId }: JaegerSpan): string {
  return `${traceId} ${spanId}`;
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

function groupBy(runs: readonly JaegerSpan[], key: (run: JaegerSpan) => string): Map<string, JaegerSpan[]> {
  const groups = new Map<string, JaegerSpan[]>();
  for (const run of runs) groups.set(key(run), [...(groups.get(key(run)) ?? []), run]);
  return groups;
}

/** Ids of queues end in how often the job was started. */
function bySlotOrId({ tags: one }: JaegerSpan, { tags: other }: JaegerSpan): number {
  const slots = Number(one['task.scheduled_at'] ?? 0) - Number(other['task.scheduled_at'] ?? 0);
  return slots || String(one['task.id']).localeCompare(String(other['task.id']), 'en', { numeric: true });
}

function endOf(ends: ReadonlyMap<string, ExampleEnd>, library: string): ExampleEnd {
  const end = ends.get(library);
  assert.ok(end !== undefined);
  return end;
}
