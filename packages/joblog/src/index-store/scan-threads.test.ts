import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addRun } from './log-tree.test.fixture.ts';
import { ScanThreads } from './scan-threads.ts';

const DAY = '2026-11-20';

describe('ScanThreads', () => {
  let base: string;
  let threads: ScanThreads;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'scan-threads-'));
    threads = new ScanThreads();
    for (let n = 0; n < 40; n += 1)
      addRun(base, { id: `run-${n}`, startMs: Date.parse(DAY) + n, messages: ['a needle'] });
  });

  afterEach(async () => {
    await threads.close();
    rmSync(base, { recursive: true });
  });

  function scan(n: number): Promise<readonly string[]> {
    const question = {
      wanted: 'runs',
      needle: 'NEEDLE',
      folder: join(base, DAY),
      files: [{ name: `run-${n}.jsonl` }, { name: 'gone.jsonl' }],
      limit: 10,
    } as const;
    return threads.scan(question).then(({ hits }) => hits.map(({ jobId }) => jobId));
  }

  it('answers each its own', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => scan(n)));
    assert.deepEqual(
      answers.flat(),
      Array.from({ length: 40 }, (_, n) => `run-${n}`),
    );
  });

  it('answers who waits when the threads are ended', async () => {
    const answers = Array.from({ length: 10 }, (_, n) => scan(n));
    await threads.close();
    assert.equal((await Promise.all(answers)).flat().length, 10);
    assert.deepEqual(await scan(3), ['run-3'], 'with new threads');
  });

  it('reads files for the index', async () => {
    const files = [
      { file: 5, name: 'run-1.jsonl', from: 0 },
      { file: 6, name: 'gone.jsonl', from: 0 },
    ];
    const [read, gone] = await threads.read({ folder: join(base, DAY), files });
    assert.equal(read?.parts[0]?.jobId, 'run-1');
    assert.equal(read?.parts[0]?.state.status, 'success');
    assert.equal(gone?.isThere, false);
  });
});
