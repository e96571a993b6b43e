import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import type { JobLogEntry } from '../entry/job-log-entry.ts';
import type { JobLogsRequest } from './job.ts';
import { JobLogReader } from './job-log-reader.ts';
import { DAY, lines, logsLine, type RecordSpec, START, TestTree } from './otlp-line.test.fixture.ts';

/** Records of several writers, as they may come to lie in files. */
interface Delivery {
  readonly records: readonly RecordSpec[];
  readonly file: (typeof FILES)[number];
  /** What is wrong with the line. */
  readonly flaw: 'none' | 'torn before' | 'noise before' | 'again';
}

const FILES = [
  `${DAY}/a.jsonl`,
  `${DAY}/_05.0b0c0d0e.jsonl`,
  '2026-03-05/a.jsonl',
  '2026-03-05/_collector.jsonl',
] as const;

/** Times are few, so that many are equal; they go back, too. */
const WRITER = fc.record({
  instance: fc.constantFrom('i-1', 'i-2', ''),
  run: fc.constantFrom('r1', 'r2', undefined),
  isNumbered: fc.boolean(),
  times: fc.array(fc.nat({ max: 6 }), { maxLength: 12 }),
});

const DELIVERIES = fc
  .uniqueArray(WRITER, {
    maxLength: 4,
    selector: ({ instance, run, isNumbered }) => `${instance} ${run} ${isNumbered}`,
  })
  .chain((writers) => {
    const records = writers.flatMap(({ instance, run, isNumbered, times }, w) =>
      times.map(
        (at, n): RecordSpec => ({
          id: 'a',
          instance,
          at,
          body: `${w}-${n + 1}`,
          severity: [5, 9, 17][n % 3] ?? 9,
          ...(run === undefined ? {} : { run }),
          ...(isNumbered ? { seq: n + 1 } : {}),
        }),
      ),
    );
    const order = fc.shuffledSubarray(records, { minLength: records.length });
    const cuts = fc.array(
      fc.record({
        size: fc.integer({ min: 1, max: 5 }),
        file: fc.constantFrom(...FILES),
        flaw: fc.constantFrom('none', 'none', 'torn before', 'noise before', 'again'),
      }),
      { minLength: records.length, maxLength: records.length },
    );
    return fc.tuple(order, cuts).map(([shuffled, pieces]) => {
      const deliveries: Delivery[] = [];
      let at = 0;
      for (const { size, file, flaw } of pieces) {
        const part = shuffled.slice(at, at + size);
        if (part.length > 0) deliveries.push({ records: part, file, flaw: flaw as Delivery['flaw'] });
        at += size;
      }
      return deliveries;
    });
  });

function textOf({ records, flaw }: Delivery): string {
  const line = logsLine(...records, { id: 'b', body: 'of another job' });
  if (flaw === 'torn before') return `${logsLine(...records).slice(0, 100)}${line}\n`;
  if (flaw === 'noise before') return lines('{"level":30}', line);
  // Only what has a number can be told to be the same.
  return flaw === 'again' && records.every(({ seq }) => seq !== undefined) ? lines(line, line) : lines(line);
}

function write(tree: TestTree, deliveries: readonly Delivery[]): void {
  const texts = new Map<string, string>();
  for (const delivery of deliveries) texts.set(delivery.file, (texts.get(delivery.file) ?? '') + textOf(delivery));
  for (const [file, text] of texts) tree.write(file.includes('03-05/a') ? `${file}.gz` : file, text);
}

function bodies(entries: readonly JobLogEntry[]): string[] {
  return entries.map(({ log }) => log?.message ?? '?');
}

/** Of a record, the latest time of its writer up to its number: what a log is ordered by. */
function placeTimes(deliveries: readonly Delivery[]): ReadonlyMap<string, number> {
  const all = deliveries.flatMap(({ records }) => records);
  const writerOf = (record: RecordSpec): string => record.body?.split('-')[0] ?? '';
  return new Map(
    all.map((record) => {
      const before = all.filter(
        (other) => writerOf(other) === writerOf(record) && (other.seq ?? 0) <= (record.seq ?? -1),
      );
      return [record.body ?? '', Math.max(Number(record.at), ...before.map(({ at }) => Number(at)))];
    }),
  );
}

describe('the order of a log', () => {
  const trees: TestTree[] = [];

  afterEach(() => {
    for (const tree of trees.splice(0)) tree.remove();
  });

  function newTree(): TestTree {
    const tree = new TestTree();
    trees.push(tree);
    return tree;
  }

  async function withReader<T>(tree: TestTree, use: (reader: JobLogReader) => Promise<T>): Promise<T> {
    const reader = new JobLogReader({ logs: tree.folder });
    try {
      return await use(reader);
    } finally {
      await reader.close();
    }
  }

  async function pages(reader: JobLogReader, request: Partial<JobLogsRequest>): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await reader.getJobLogs({ job_run_id: 'a', ...request, cursor });
      found.push(...bodies(page.entries));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    return found;
  }

  it('is by number within a writer and by time between them, each record once, however it was delivered', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(DELIVERIES, fc.integer({ min: 1, max: 7 }), async (deliveries, limit) => {
        fc.pre(deliveries.length > 0);
        const tree = newTree();
        write(tree, deliveries);
        const all = await withReader(tree, async (reader) => {
          const { entries } = await reader.getJobLogs({ job_run_id: 'a' });
          return entries;
        });
        const order = bodies(all);
        const expected = deliveries.flatMap(({ records }) => records);
        assert.deepEqual([...order].sort(), expected.map(({ body }) => body ?? '').sort());

        const times = placeTimes(deliveries);
        const placed = order.map((body) => times.get(body) ?? -1);
        assert.deepEqual(
          placed,
          [...placed].sort((a, b) => a - b),
          'times never go back',
        );
        const last = new Map<string, number>();
        for (const { log, sequence_number: number } of all) {
          const writer = log?.message.split('-')[0] ?? '';
          if (number > 0) assert.ok(number > (last.get(writer) ?? 0), 'numbers never go back');
          last.set(writer, number);
        }

        await withReader(tree, async (reader) => {
          assert.deepEqual(await pages(reader, { limit }), order, 'pages are pieces of the whole');
          const loud = all.filter(({ log }) => log?.level === 'ERROR');
          assert.deepEqual(await pages(reader, { limit, min_level: 3 }), bodies(loud));
          const late = all.filter(({ timestamp }) => Number(timestamp.slice(20, 29)) > 2);
          assert.deepEqual(await pages(reader, { limit, since_timestamp: START + 2n }), bodies(late));
        });
        tree.remove();
      }),
      { numRuns: 25 },
    );
  });

  it('is that in which records come, for who follows them; none is given twice or left out', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(DELIVERIES, async (deliveries) => {
        const plain = deliveries.map((delivery) => ({ ...delivery, file: FILES[0] }));
        const tree = newTree();
        const path = tree.write(
          FILES[0],
          lines(logsLine({ id: 'a', run: 'owner', seq: 1, at: 50, event: 'task.started' })),
        );
        await withReader(tree, async (reader) => {
          const found: string[] = [];
          const tail = reader.tail({ job_run_id: 'a' });
          const done = (async () => {
            for await (const event of tail)
              if (event.type === 'entry') found.push(event.entry.log?.message ?? event.entry.event?.event_type ?? '?');
          })();
          for (const [n, delivery] of plain.entries()) {
            appendFileSync(path, textOf(delivery));
            if (n % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
          const end = { id: 'a', run: 'owner', seq: 2, at: 100, event: 'task.ended' };
          appendFileSync(path, lines(logsLine(end)));
          await done;
          const expected = plain.flatMap(({ records }) => records.map(({ body }) => body ?? ''));
          assert.deepEqual([...found].sort(), [...expected, 'started', 'ended'].sort());
        });
        tree.remove();
      }),
      { numRuns: 25 },
    );
  });
});
