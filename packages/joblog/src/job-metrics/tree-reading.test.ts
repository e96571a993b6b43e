import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { lineOf, StoredRun, StoredRuns } from './stored-runs.test.fixture.ts';
import { TextHash } from './text-hash.ts';
import { TimeSlice } from './time-slice.ts';
import { TreeReading } from './tree-reading.ts';

describe('the reading of a logs folder', () => {
  let stored: StoredRuns;
  let tree: TreeReading;
  let seen: string[];
  beforeEach(() => {
    stored = new StoredRuns();
    tree = new TreeReading(stored.logs, new TextHash());
    seen = [];
  });
  afterEach(() => stored.remove());

  async function read(): Promise<string[]> {
    seen = [];
    const hasNew = await tree.read(
      () => ({
        record: ({ attributes }) => seen.push(String(attributes['task.id'])),
        skipped: () => seen.push('skipped'),
      }),
      new TimeSlice(),
    );
    if (!hasNew) assert.deepEqual(seen, []);
    return [...seen].sort();
  }

  function add(id: string, day?: string): void {
    stored.append(`${id}.jsonl`, lineOf(new StoredRun(id).started()), day);
  }

  it('finds what is new in all days, at once', async () => {
    add('a', '2026-03-03');
    add('b');
    assert.deepEqual(await read(), ['a', 'b']);
    assert.deepEqual(await read(), []);
    add('c', '2026-03-03');
    add('d', '2026-03-05');
    stored.append('b.jsonl', lineOf(new StoredRun('more').started()));
    assert.deepEqual(await read(), ['c', 'd', 'more']);
  });

  it('keeps of files that rest a number each', async () => {
    for (let at = 0; at < 100; at += 1) add(`r${at}`);
    stored.append('half.jsonl', '{"resource');
    await read();
    const [day] = tree.days.values();
    assert.deepEqual([day?.active.size, day?.parked.size], [1, 100]);
    assert.deepEqual(await read(), []);
    assert.deepEqual([day?.active.size, day?.parked.size], [1, 100]);
  });

  it('finds within a few readings what grew in a folder of thousands', async () => {
    for (let at = 0; at < 4200; at += 1) stored.append(`r${at}.jsonl`, '\n');
    await read();
    for (const at of [0, 3000, 4199]) stored.append(`r${at}.jsonl`, lineOf(new StoredRun(`late-${at}`).started()));
    const found = [...(await read()), ...(await read())];
    assert.deepEqual(found.sort(), ['late-0', 'late-3000', 'late-4199']);
    // They are hot now: found at once, whoever has the turn.
    for (const at of [0, 3000, 4199]) stored.append(`r${at}.jsonl`, lineOf(new StoredRun(`again-${at}`).started()));
    assert.deepEqual(await read(), ['again-0', 'again-3000', 'again-4199']);
  });

  it('reads a day that comes back only where it is new', async () => {
    add('a');
    add('b');
    await read();
    renameSync(stored.logs, `${stored.logs}.away`);
    assert.deepEqual(await read(), []);
    assert.deepEqual(await read(), []);
    renameSync(`${stored.logs}.away`, stored.logs);
    stored.append('a.jsonl', lineOf(new StoredRun('more').started()));
    assert.deepEqual(await read(), ['more']);
  });

  it('reads a packed file from where the plain one was read, also one at rest', async () => {
    add('a');
    add('b');
    await read();
    await read();
    stored.append('a.jsonl', lineOf(new StoredRun('more').started()));
    for (const name of ['a.jsonl', 'b.jsonl']) {
      stored.compress(name);
      rmSync(stored.path(name));
    }
    assert.deepEqual(await read(), ['more']);
    assert.deepEqual(await read(), []);
    const [day] = tree.days.values();
    assert.equal((day?.active.size ?? 0) + (day?.parked.size ?? 0), 2);
  });

  it('reads both where a file is there plain and packed from the start', async () => {
    add('packed');
    renameSync(stored.path('packed.jsonl'), stored.path('a.jsonl'));
    stored.compress('a.jsonl');
    writeFileSync(stored.path('a.jsonl'), lineOf(new StoredRun('plain').started()));
    assert.deepEqual(await read(), ['packed', 'plain']);
    assert.deepEqual(await read(), []);
  });

  it('reads nothing of a file that went, and all of one that came under its name', async () => {
    add('a');
    await read();
    rmSync(stored.path('a.jsonl'));
    assert.deepEqual(await read(), []);
    add('a');
    stored.append('a.jsonl', lineOf(new StoredRun('b').started()));
    assert.deepEqual(await read(), ['a', 'b']);
    // The inode is that of the file before, as a rule, and the size above it.
    rmSync(stored.path('a.jsonl'));
    stored.append('a.jsonl', lineOf(new StoredRun('another').started(), new StoredRun('c').started()).repeat(2));
    assert.deepEqual(await read(), ['another', 'another', 'c', 'c']);
  });
});
