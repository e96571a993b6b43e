/**
 * Ordinary applications with schedules, on real servers: what each does is the same whoever watches, and under the flag
 * every tick is one run in Jaeger, in Prometheus and in the files.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { playCron, playNest, UNWATCHED } from '../examples/example-plays.ts';
import type { ExampleEnd } from '../examples/example-process.ts';
import { ExampleStage } from '../examples/example-stage.ts';
import { distinct, idOf, type Seen } from '../examples/seen-runs.ts';
import { countOf, cronEnds, cronLines, linesOf, nestEnds } from '../examples/told-runs.ts';
import { ROOT } from '../house/source-tree.ts';
import type { JaegerSpan } from './harness/jaeger-query.ts';

const execute = promisify(execFile);

const CRON_LIBRARIES = ['cron', 'node-cron', 'croner'] as const;

describe('the examples with schedules', () => {
  let stage: ExampleStage;
  before(async () => {
    stage = await ExampleStage.start();
  });
  after(() => stage?.stop());

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
        playNest(`${stage.redis.url}/3`, UNWATCHED),
        playNest(`${stage.redis.url}/4`, stage.watch()),
      ]);
      seen = await stage.seenRuns('nest-app', countOf(Object.entries(nestEnds(flagged)).flatMap(withoutLibrary)));
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
      const spans = await stage.servers.jaeger.spans('nest-app');
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
          playCron(library, stage.watch({ env: { TASKSPAN_CONSOLE: 'on' } })).then((end) => flagged.set(library, end)),
        ]),
      );
    });

    for (const library of CRON_LIBRARIES) {
      describe(`with ${library}`, () => {
        let end: ExampleEnd;
        let seen: Seen;
        before(async () => {
          end = endOf(flagged, library);
          seen = await stage.seenRuns(`jobs-${library}`, cronEnds(end));
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
          const left = await stage.servers.prometheus.query(
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
});

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

function endOf(ends: ReadonlyMap<string, ExampleEnd>, library: string): ExampleEnd {
  const end = ends.get(library);
  assert.ok(end !== undefined);
  return end;
}
