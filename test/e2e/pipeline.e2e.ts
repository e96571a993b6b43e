/** One config fans out to Jaeger, Prometheus and files: each of them, asked through its own API, tells the same story. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { ROOT } from '../house/source-tree.ts';
import { AppProcess } from './harness/app-process.ts';
import type { JaegerSpan } from './harness/jaeger-query.ts';
import { endingsOf, JobLogTree } from './harness/job-log-tree.ts';
import { PipelineServers } from './harness/pipeline-servers.ts';
import { poll } from './harness/poll.ts';
import type { PrometheusText } from './harness/prometheus-text.ts';
import { assertWholeRuns } from './harness/run-log.ts';
import { assertSameNumbers } from './harness/same-numbers.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

const ROUNDS = 40;

/** How the runs of one round of `every-end.mjs` end. */
const ENDS: Readonly<Record<string, string>> = {
  dump: 'dump_refs success',
  merge: 'merge failure',
  sweep: 'sweep expired',
  'taken-back': 'dump_refs cancelled',
  requeued: 'import deferred',
  submit: 'submit success',
  mail: 'send_mail success',
  render: 'render success',
};

describe('app -> collector -> Jaeger, Prometheus and files', () => {
  let scratch: ScratchFolder;
  let servers: PipelineServers;
  before(async () => {
    scratch = new ScratchFolder();
    servers = await PipelineServers.start(scratch.folder('servers'));
  });
  after(async () => {
    await servers?.stop();
    scratch.remove();
  });

  describe('the example that works on a git repository', () => {
    const service = 'git-tasks';
    let app: AppProcess;
    after(() => app?.stop());

    it('is the same in its own summary, in Prometheus, in Jaeger and in the files', async () => {
      app = new AppProcess({
        app: join(ROOT, 'examples', 'git-tasks', 'src', 'main.js'),
        args: ['--keep'],
        folder: scratch.folder(service),
        env: { ...servers.appEnvironment, OTEL_SERVICE_NAME: service },
      });
      await app.printed(/^Serving \S+ until Ctrl-C$/m);
      assert.match(app.stdout, /Checked: own count = \/metrics = files, 11 runs\./);
      const own = await app.metrics();
      await poll('the same numbers', () => assertSameNumbers(servers.prometheus, { service, own }));
      app.kill('SIGINT');
      assert.equal((await app.ended).code, 0, app.stderr);

      const records = await poll('all runs in the files', () => {
        const tree = new JobLogTree(servers.collector.logsFolder, service);
        assert.equal(sum(tree.endings()), 11);
        return tree.records;
      });
      assert.deepEqual(
        sorted(endingsOf(records)),
        sorted(
          Object.entries({
            'commit success': 4,
            'dump_refs cancelled': 1,
            'dump_refs success': 1,
            'gc_prepare_commits expired': 1,
            'gc_prepare_commits success': 1,
            'merge failure': 1,
            'merge success': 1,
            'restore_refs success': 1,
          }),
        ),
      );
      const spans = await poll('all runs in Jaeger', async () => {
        const found = await servers.jaeger.spans(service);
        assert.equal(found.filter(({ tags }) => 'operation' in tags).length, 11);
        return found;
      });
      const ids = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
      assert.deepEqual(
        records.filter(({ traceId, spanId }) => !ids.has(`${traceId} ${spanId}`)),
        [],
      );
      const commits = await servers.jaeger.spans(service, { operation: 'commit', user: 'alice' });
      assert.equal(commits.filter(({ tags }) => tags['operation'] === 'commit').length, 4);
      const [merge] = (await servers.jaeger.spans(service, { 'error.type': 'MergeConflict' })).filter(
        ({ tags }) => tags['operation'] === 'merge',
      );
      assert.deepEqual([merge?.tags['task.status'], merge?.tags['error']], ['failure', true]);
    });
  });

  describe('many runs with every end', () => {
    const service = 'many-runs';
    let app: AppProcess;
    let own: PrometheusText;
    let tree: JobLogTree;

    before(async () => {
      app = new AppProcess({
        app: 'every-end.mjs',
        args: [String(ROUNDS)],
        folder: scratch.folder(service),
        env: { ...servers.appEnvironment, OTEL_SERVICE_NAME: service },
      });
      await app.printed(/^done$/m);
      own = await app.metrics();
    });
    after(() => app.finish());

    it('Prometheus answers what the app itself serves: running, total, duration with its buckets, everything else', async () => {
      await poll('the same numbers', () => assertSameNumbers(servers.prometheus, { service, own }));
      const count = async (rest: string): Promise<number | undefined> =>
        await servers.prometheus.number(`sum(${rest.replaceAll('$', `job="${service}"`)})`);
      assert.equal(await count('async_operations_running{$,operation="watch"}'), 1);
      assert.equal(await count('async_operations_total{$,status="failure"}'), ROUNDS);
      assert.equal(await count('async_operations_total{$,status="orphaned"}'), 1);
      assert.equal(
        await count('async_operation_duration_seconds_bucket{$,operation="dump_refs",status="success",le="0.1"}'),
        0,
      );
      assert.equal(
        await count('async_operation_duration_seconds_bucket{$,operation="dump_refs",status="success",le="+Inf"}'),
        ROUNDS,
      );
      assert.equal(await count('async_operations_missed_total{$,reason="overlap"}'), 1);
      assert.equal(await count('taskspan_dropped_total{$}'), 0);
    });

    it('an app that ends leaves its last numbers, and files that are complete: one for each run', async () => {
      const { code, stderr } = await app.finish();
      assert.deepEqual([code, stderr], [0, '']);
      tree = await poll('all runs in the files', () => {
        const now = new JobLogTree(servers.collector.logsFolder, service);
        assert.equal(sum(now.endings()), ROUNDS * Object.keys(ENDS).length + 1);
        return now;
      });
      const expected = Object.keys(ENDS).flatMap((name) => rounds().map((round) => `${name}-${round}`));
      assert.deepEqual(assertWholeRuns(tree), [...expected, 'orphan-1', 'watch-1'].sort());
      await poll('the last numbers', async () => {
        const rows = await servers.prometheus.query(`async_operations_total{job="${service}",status!="orphaned"} != 0`);
        const theirs = rows.map(({ labels, value }) => [`${labels['operation']} ${labels['status']}`, value] as const);
        assert.deepEqual(sorted(theirs), sorted(tree.endings()));
      });
      const durations = await servers.prometheus.query(`async_operation_duration_seconds_count{job="${service}"} != 0`);
      assert.deepEqual(
        sorted(durations.map(({ labels, value }) => [`${labels['operation']} ${labels['status']}`, value] as const)),
        sorted(tree.endings()),
      );
    });

    it('Jaeger finds the runs of an operation, each with its id, status and file', async () => {
      for (const operation of new Set(Object.values(ENDS).map((end) => end.split(' ', 1)[0] ?? ''))) {
        const found = await tasks({ operation });
        const expected = Object.entries(ENDS).filter(([, end]) => end.startsWith(`${operation} `));
        assert.deepEqual(
          found.map(({ tags }) => `${tags['task.id']} ${tags['task.status']}`).sort(),
          expected.flatMap(([name, end]) => rounds().map((round) => `${name}-${round} ${end.split(' ')[1]}`)).sort(),
        );
        for (const { tags } of found) {
          const file = tree.files.find(({ path }) => path === `${tags['task.file']}.jsonl`);
          assert.ok(file !== undefined, `${tags['task.file']} leads to a file`);
          assert.equal(file.records[0]?.attributes['task.id'], tags['task.id']);
        }
      }
    });

    it('Jaeger finds a run by its task.id, alone, with its steps and the spans below as children', async () => {
      const spans = await servers.jaeger.spans(service, { 'task.id': 'dump-7' });
      const [root, ...others] = spans.filter(({ parent }) => parent === undefined);
      assert.ok(root !== undefined && others.length === 0);
      assert.deepEqual([root.name, root.tags['repository'], root.tags['user']], ['dump_refs', 'demo', 'ada']);
      const below = (id: string): string[] =>
        spans
          .filter(({ parent }) => parent === id)
          .map(({ name }) => name)
          .sort();
      assert.deepEqual(below(root.spanId), ['list', 'pack']);
      const list = spans.find(({ name }) => name === 'list');
      assert.deepEqual(below(list?.spanId ?? ''), ['read refs']);
      assert.equal(spans.length, 4);
      assert.ok(
        spans.every(({ tags }) => tags['task.id'] === 'dump-7'),
        'all carry the id',
      );
    });

    it('Jaeger shows what failed, and why', async () => {
      // `error=true` finds nothing in the memory store of Jaeger 1.76, which compares the text with a boolean.
      const failed = await tasks({ 'task.status': 'failure' });
      assert.deepEqual(
        failed.map(({ tags }) => tags['task.id']).sort(),
        rounds()
          .map((round) => `merge-${round}`)
          .sort(),
      );
      for (const { tags } of failed)
        assert.deepEqual([tags['error'], tags['otel.status_code'], tags['error.type']], [true, 'ERROR', 'TypeError']);
    });

    it('Jaeger shows where a run came from: a trace of its own, linked to its enqueuer', async () => {
      const bySpan = new Map(
        (await servers.jaeger.spans(service)).map((span) => [`${span.traceId} ${span.spanId}`, span]),
      );
      const linked = (operation: string): (readonly [unknown, unknown])[] =>
        [...bySpan.values()]
          .filter(({ tags }) => tags['operation'] === operation)
          .map(({ tags, links }) => [tags['task.id'], bySpan.get(links[0] ?? '')?.tags['task.id']]);
      assert.deepEqual(
        linked('send_mail').sort(),
        rounds()
          .map((round) => [`mail-${round}`, `submit-${round}`])
          .sort(),
      );
      assert.deepEqual(
        linked('render').sort(),
        rounds()
          .map((round) => [`render-${round}`, `mail-${round}`])
          .sort(),
      );
      assert.equal(
        new Set([...bySpan.values()].map(({ traceId }) => traceId)).size,
        ROUNDS * Object.keys(ENDS).length + 2,
      );
    });

    it('each span is there once, and each log record leads to its span', async () => {
      const spans = await servers.jaeger.spans(service);
      const ids = spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`);
      assert.equal(new Set(ids).size, ids.length, 'no span twice');
      assert.deepEqual(
        [...ids].sort(),
        tree.spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`).sort(),
        'those of the files',
      );
      const known = new Set(ids);
      const lost = tree.records.filter(({ traceId, spanId }) => !known.has(`${traceId} ${spanId}`));
      assert.deepEqual(
        lost.map(({ attributes }) => attributes),
        [],
      );
    });

    it('lines of winston and pino are in the file of their run, with the ids of the step that wrote them', async () => {
      const file = tree.files.find(({ path }) => path.endsWith('/dump-7.jsonl'));
      for (const [line, step] of [
        ['listing', 'list'],
        ['packing', 'pack'],
      ]) {
        const record = file?.records.find(({ body }) => body === line);
        assert.equal(record?.spanId, file?.spans.find(({ name }) => name === step)?.spanId, line);
        assert.equal(record?.attributes['round'], 7);
      }
    });

    /** Task spans that a search finds. */
    async function tasks(tags: Readonly<Record<string, string>>): Promise<readonly JaegerSpan[]> {
      const spans = await servers.jaeger.spans(service, tags);
      return spans.filter((span) => Object.entries(tags).every(([key, value]) => String(span.tags[key]) === value));
    }
  });
});

function rounds(): number[] {
  return Array.from({ length: ROUNDS }, (_, at) => at + 1);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function sorted(pairs: Iterable<readonly [string, number]>): (readonly [string, number])[] {
  return [...pairs].sort(([one], [other]) => (one < other ? -1 : 1));
}
