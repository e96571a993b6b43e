import assert from 'node:assert/strict';
import fc from 'fast-check';
import { JobLogReader } from './job-log-reader.ts';
import { DAY, lines, logsLine, type RecordSpec, TestTree } from './otlp-line.test.fixture.ts';

const SECOND = 1_000_000_000;
const RUNS = [
  { id: 'a', run: '11'.repeat(8), service: 'shop' },
  { id: 'a', run: '22'.repeat(8), service: 'bank' },
  { id: 'b', run: '33'.repeat(8), service: 'shop' },
] as const;
const EVENTS = [undefined, 'task.ended', 'task.orphaned', 'task.progress', 'task.metric'] as const;

/** What a run tells beside its start, in whatever order it comes to lie in whatever files. */
const TOLD = fc.record({
  run: fc.nat({ max: RUNS.length - 1 }),
  event: fc.constantFrom(...EVENTS),
  at: fc.integer({ min: 2, max: 7 }),
  isShared: fc.boolean(),
});

function recordOf({ run, event, at }: { run: number; event: string | undefined; at: number }): RecordSpec {
  const told: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'task.started': { 'task.label': 'first', 'task.outputs': ['x'], 'task.attempt': run + 1 },
    'task.progress': { 'task.progress': at / 10 },
    'task.ended': {
      'task.label': 'last',
      'task.outputs': ['y', 'z'],
      'task.status': 'failure',
      'task.duration_seconds': 7.5,
    },
    'task.orphaned': { 'task.status': 'orphaned' },
  };
  // There is one start and one end of a run, each at one time.
  const seconds = { 'task.started': 1, 'task.ended': 8, 'task.orphaned': 9 }[event ?? ''] ?? at;
  return {
    ...(RUNS[run] ?? RUNS[0]),
    at: seconds * SECOND + run,
    ...(event === undefined ? { body: 'a line' } : { event, attributes: told[event] ?? {} }),
  };
}

describe('rows of jobs', () => {
  it('are the same in lists and look-ups, wherever their records lie', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(TOLD, { maxLength: 12 }), async (told) => {
        const started = RUNS.map((_, run) => ({ run, event: 'task.started', at: 1, isShared: run === 1 }));
        const texts = new Map<string, string>();
        for (const each of [...started, ...told]) {
          const own = each.run === 1 ? '2026-03-05' : DAY;
          const file = each.isShared ? `${DAY}/_05.0b0c0d0e.jsonl` : `${own}/${RUNS[each.run]?.id ?? ''}.jsonl`;
          texts.set(file, (texts.get(file) ?? '') + lines(logsLine(recordOf(each))));
        }
        const tree = new TestTree();
        const reader = new JobLogReader({ logs: tree.folder });
        try {
          for (const [file, text] of texts) tree.write(file, text);
          const { jobs } = await reader.listJobs();
          for (const id of ['a', 'b']) {
            const oldestFirst = jobs.filter(({ job_id }) => job_id === id).reverse();
            assert.deepEqual((await reader.getJob(id)).attempts, oldestFirst);
          }
          const mine = await reader.listJobs({ service: 'shop' });
          assert.deepEqual(
            mine.jobs.filter(({ job_id }) => job_id === 'a'),
            (await reader.getJob('a', { service: 'shop' })).attempts,
          );
        } finally {
          await reader.close();
          tree.remove();
        }
      }),
      { numRuns: 25 },
    );
  });
});
