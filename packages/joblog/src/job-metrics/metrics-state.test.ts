import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { MetricsAggregator } from './metrics-aggregator.ts';
import { lineOf, StoredRun, StoredRuns, sample } from './stored-runs.test.fixture.ts';

const TOTAL = 'async_operations_total{operation="import",status="success"}';
const ROWS = 'rows_processed_total{job_label="",operation="import"}';

describe('the state of the metrics', () => {
  let stored: StoredRuns;
  let file: string;
  beforeEach(() => {
    stored = new StoredRuns();
    file = join(stored.state, 'metrics-1.jsonl');
  });
  afterEach(() => stored.remove());

  /** What a process shows that starts, reads and ends. */
  async function counted(logs: string | string[] = stored.logs): Promise<string> {
    const aggregator = new MetricsAggregator({ logs, state: stored.state });
    await aggregator.refresh();
    const text = aggregator.render();
    await aggregator.close();
    return text;
  }

  it('is one file, for nobody else to read', async () => {
    stored.add(new StoredRun('a'));
    await counted();
    assert.deepEqual(readdirSync(stored.state), ['metrics-1.jsonl']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(stored.state).mode & 0o777, 0o700);
  });

  it('is not written when nothing is new', async () => {
    stored.add(new StoredRun('a'));
    await counted();
    utimesSync(file, 1, 1);
    await counted();
    assert.equal(statSync(file).mtimeMs, 1000);
  });

  it('lets the next process go on in the middle of a file, and of a run', async () => {
    const run = new StoredRun('a', { label: 'x' });
    // Points without a number would be counted once more if they were read once more.
    const point = lineOf(run.rows(5)).replace(/\{"key":"task.sequence"[^}]*\}\},?/, '');
    stored.append('a.jsonl', lineOf(run.started()) + point + point.slice(0, 100));
    await counted();
    stored.append('a.jsonl', point.slice(100) + lineOf(run.ended(4)));
    stored.compress('a.jsonl');
    rmSync(stored.path('a.jsonl'));
    const text = await counted();
    assert.equal(sample(text, 'rows_processed_total{job_label="x",operation="import"}'), 10);
    assert.equal(sample(text, 'job_runtime_seconds{job_label="x",operation="import"}'), 4);
    assert.equal(sample(text, TOTAL), 1);
    assert.equal(await counted(), text);
  });

  it('is made anew from the files when it is lost', async () => {
    stored.add(new StoredRun('a'));
    const text = await counted();
    rmSync(stored.state, { recursive: true });
    assert.equal(await counted(), text);
    assert.deepEqual(stored.warnings, []);
  });

  it('is made anew when it is not what was written, wherever it differs, with one warning', async () => {
    for (const id of ['a', 'b', 'c']) stored.add(new StoredRun(id));
    const run = new StoredRun('open');
    stored.append('open.jsonl', lineOf(run.started(), run.rows(3)));
    await counted();
    const good = readFileSync(file);
    const spoilt: Buffer[] = [Buffer.alloc(0), Buffer.from('{}\n'), Buffer.from('\n\n\n'), Buffer.alloc(good.length)];
    for (let at = 0; at < good.length; at += 37) {
      spoilt.push(good.subarray(0, at));
      const flipped = Buffer.from(good);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      spoilt.push(flipped);
    }
    for (const bytes of spoilt) {
      writeFileSync(file, bytes);
      const text = await counted();
      assert.deepEqual([sample(text, TOTAL), sample(text, ROWS)], [3, 3]);
    }
    assert.match(stored.warnings.join('\n'), /metrics-1\.jsonl cannot be used \(.*checksum is wrong\)/);
    assert.equal(sample(await counted(), TOTAL), 3);
  });

  it('stays what it is when it knows more: the files of what it counted may be gone', async () => {
    stored.add(new StoredRun('a'));
    const late = new MetricsAggregator({ logs: stored.logs, state: stored.state });
    for (const id of ['b', 'c', 'd']) stored.add(new StoredRun(id));
    const other = new MetricsAggregator({ logs: stored.logs, state: stored.state });
    await other.refresh();
    for (const id of ['b', 'c', 'd']) rmSync(stored.path(`${id}.jsonl`));
    // As if the state was not there yet when this one began.
    renameAway(file);
    await late.refresh();
    renameBack(file);
    stored.add(new StoredRun('e'));
    await late.refresh();
    await late.close();
    assert.equal(sample(await counted(), TOTAL), 5);
    await other.close();
  });

  it('leaves out what is of folders that are not asked for', async () => {
    stored.add(new StoredRun('a'));
    await counted([stored.logs, join(stored.root, 'other')]);
    assert.equal(sample(await counted(join(stored.root, 'other')), TOTAL), 1);
    assert.equal(sample(await counted(), TOTAL), 1);
  });

  it('is true whatever becomes of the files, and whenever the process is another', async () => {
    const step = fc.constantFrom(
      'append',
      'append',
      'half',
      'refresh',
      'compress',
      'begin to compress',
      'restart',
      'kill',
      'other file',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        stored.remove();
        stored = new StoredRuns();
        const run = new StoredRun('a');
        let [points, rest] = [0, ''];
        const open = (): MetricsAggregator => new MetricsAggregator({ logs: stored.logs, state: stored.state });
        let aggregator = open();
        const append = (): void => {
          points += 1;
          // No part of the file is as long as another.
          stored.append('a.jsonl', rest + lineOf(run.rows(1)).replace('}', `}${' '.repeat(2 ** points % 1009)}`));
          rest = '';
        };
        append();
        for (const one of steps) {
          if (one === 'append') append();
          else if (one === 'half' && rest === '') {
            const line = lineOf(run.rows(1));
            points += 1;
            stored.append('a.jsonl', line.slice(0, 50));
            rest = line.slice(50);
          } else if (one === 'refresh') await aggregator.refresh();
          else if (one === 'compress' && rest === '') {
            await compressed(stored);
            rmSync(stored.path('a.jsonl'), { force: true });
          } else if (one === 'begin to compress' && rest === '') await compressed(stored);
          else if (one === 'other file') {
            points += 1;
            stored.append(`b${points}.jsonl`, lineOf(run.rows(1)));
          } else if (one === 'restart') {
            await aggregator.close();
            aggregator = open();
          } else if (one === 'kill') aggregator = open();
        }
        append();
        await aggregator.refresh();
        assert.equal(sample(aggregator.render(), ROWS), points);
        await aggregator.close();
      }),
      { numRuns: 60 },
    );
  });

  it('does without a folder that cannot be written, with one warning', async () => {
    writeFileSync(stored.state, 'a file');
    stored.add(new StoredRun('a'));
    const aggregator = new MetricsAggregator({ logs: stored.logs, state: stored.state });
    await aggregator.refresh();
    stored.add(new StoredRun('b'));
    await aggregator.refresh();
    assert.equal(sample(aggregator.render(), TOTAL), 2);
    await aggregator.close();
    assert.equal(stored.warnings.length, 1);
  });

  it('removes what a killed process has left, not what another one writes', async () => {
    mkdirSync(stored.state, { recursive: true });
    const [left, fresh] = ['metrics.0-left.tmp', 'metrics.0-fresh.tmp'].map((name) => join(stored.state, name));
    for (const path of [left ?? '', fresh ?? '']) writeFileSync(path, '');
    utimesSync(left ?? '', 1, 1);
    stored.add(new StoredRun('a'));
    await counted();
    assert.deepEqual(readdirSync(stored.state).sort(), ['metrics-1.jsonl', 'metrics.0-fresh.tmp']);
  });
});

function renameAway(file: string): void {
  writeFileSync(`${file}.kept`, readFileSync(file));
  rmSync(file);
}

function renameBack(file: string): void {
  writeFileSync(file, readFileSync(`${file}.kept`));
}

/** As retention does it, but for removing what is compressed: a further part behind what is there. */
async function compressed(stored: StoredRuns): Promise<void> {
  const [plain, packed] = [stored.path('a.jsonl'), stored.path('a.jsonl.gz')];
  if (!existsSync(plain)) return;
  const before = existsSync(packed) ? readFileSync(packed) : Buffer.alloc(0);
  writeFileSync(packed, Buffer.concat([before, gzipSync(readFileSync(plain))]));
}
