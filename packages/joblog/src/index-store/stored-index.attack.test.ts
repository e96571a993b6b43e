import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { clearReports } from '@taskspan/core/hub';
import { LogTree } from '../reader/log-tree.ts';
import { addRun, addToFile, batchLine, type FakeRun, recordsOf, runLine } from './log-tree.test.fixture.ts';
import { StoredIndex } from './stored-index.ts';

const DAY = '2026-11-20';
const DAY_MS: number = Date.parse(DAY);

describe('StoredIndex, whatever happens to files', () => {
  let base: string;
  let logs: string;
  let folder: string;
  const opened: StoredIndex[] = [];

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'stored-index-'));
    logs = join(base, 'logs');
    folder = join(base, 'index');
  });

  afterEach(async () => {
    for (const index of opened.splice(0)) await index.close();
    rmSync(base, { recursive: true });
    clearReports();
  });

  function open(trees: string | readonly string[] = logs, inFolder: string | undefined = folder): StoredIndex {
    const index = new StoredIndex({ tree: new LogTree(trees), folder: inFolder });
    opened.push(index);
    return index;
  }

  function run(n: number, more: Partial<FakeRun> = {}): FakeRun {
    return { id: `run-${n}`, startMs: DAY_MS + n * 1000, ...more };
  }

  async function told(index: StoredIndex, request: Parameters<StoredIndex['listJobs']>[0] = {}): Promise<string> {
    return (await index.listJobs(request)).jobs.map((job) => `${job.job_id} ${job.status}`).join(', ');
  }

  /** The same from the index at hand, from one that is opened anew, and from one that starts from nothing. */
  async function toldByAll(index: StoredIndex): Promise<string> {
    const answer = await told(index);
    await index.close();
    assert.equal(await told(open()), answer, 'opened anew');
    assert.equal(await told(open(logs, join(base, `index-${opened.length}`))), answer, 'made anew');
    return answer;
  }

  function indexFiles(): string[] {
    return readdirSync(folder).map((name) => join(folder, name));
  }

  it('notices runs that are new, that go on and that end', async () => {
    addRun(logs, run(1, { status: null }));
    const index = open();
    const old = Date.now() - DAY_MS > 86_400_000 ? 'unknown' : 'running';
    assert.equal(await told(index), `run-1 ${old}`);
    addRun(logs, run(2));
    assert.equal(await told(index), `run-2 success, run-1 ${old}`);
    const [, end = ''] = recordsOf(run(1, { status: 'failure' }));
    addToFile(logs, `${DAY}/run-1.jsonl`, batchLine([end]));
    assert.equal(await told(index), 'run-2 success, run-1 failure');
    assert.equal(await toldByAll(index), 'run-2 success, run-1 failure');
  });

  it('lists a run as running while its last line is younger than a day, then as unknown', async () => {
    const now = Date.now();
    addRun(logs, { id: 'young', startMs: now - 3_600_000, status: null });
    addRun(logs, { id: 'old', startMs: now - 90_000_000, status: null });
    addRun(logs, { id: 'loud', startMs: now - 90_000_000, status: null });
    const day = new Date(now - 90_000_000).toISOString().slice(0, 10);
    const [, line = ''] = recordsOf({ id: 'loud', startMs: now - 1000, status: null, messages: ['still there'] });
    addToFile(logs, `${day}/loud.jsonl`, batchLine([line]));
    const index = open();
    const status = new Map((await index.listJobs({})).jobs.map((job) => [job.job_id, job.status]));
    assert.deepEqual([status.get('young'), status.get('old'), status.get('loud')], ['running', 'unknown', 'running']);
    assert.equal(await told(index, { status: 'unknown' }), 'old unknown');
    assert.equal((await index.listJobs({ status: 'running' })).jobs.length, 2);
  });

  it('is made again when it is deleted, cut off, or damaged anywhere', async () => {
    for (let n = 1; n <= 20; n += 1) addRun(logs, run(n, { label: `label ${n}` }));
    const first = open();
    const answer = JSON.stringify(await first.listJobs({}));
    await first.close();
    const [path = ''] = indexFiles();
    const whole = readFileSync(path);
    const damage: (() => void)[] = [
      () => unlinkSync(path),
      () => writeFileSync(path, ''),
      () => writeFileSync(path, 'no index'),
      () => truncateSync(path, whole.length - 1),
      () => truncateSync(path, 40),
    ];
    for (let at = 0; at < whole.length; at += 97) {
      damage.push(() => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ 0x55;
        writeFileSync(path, bytes);
      });
    }
    for (const [n, spoil] of damage.entries()) {
      writeFileSync(path, whole);
      spoil();
      const index = open();
      assert.equal(JSON.stringify(await index.listJobs({})), answer, `damage ${n}`);
      await index.close();
    }
    rmSync(folder, { recursive: true });
    assert.equal(JSON.stringify(await open().listJobs({})), answer);
  });

  it('goes on when its file is deleted or spoilt while it is open', async () => {
    for (let n = 1; n <= 5; n += 1) addRun(logs, run(n));
    const writer = open();
    await told(writer);
    await writer.close();
    const index = open();
    const answer = await told(index);
    rmSync(folder, { recursive: true, force: true });
    assert.equal(await told(index), answer);
    addRun(logs, run(6));
    assert.equal(await told(index), `run-6 success, ${answer}`);
    assert.equal(await toldByAll(index), `run-6 success, ${answer}`);
  });

  it('says nothing of another day or tree when its file is copied there', async () => {
    for (let n = 1; n <= 30; n += 1) addRun(logs, run(n));
    const index = open();
    const answer = await told(index);
    await index.close();
    const [path = ''] = indexFiles();
    addRun(logs, run(90_000));
    renameSync(path, path.replace(DAY, '2026-11-21'));
    assert.equal(await told(open()), `run-90000 success, ${answer}`);
  });

  it('is kept in memory where its folder cannot be written', async () => {
    const blocked = join(base, 'file');
    writeFileSync(blocked, '');
    addRun(logs, run(1));
    const index = open(logs, join(blocked, 'index'));
    assert.equal(await told(index), 'run-1 success');
    addRun(logs, run(2));
    assert.equal(await told(index), 'run-2 success, run-1 success');
    assert.equal(await told(open(logs, undefined)), 'run-2 success, run-1 success');
  });

  it('forgets what retention deletes, files and days', async () => {
    for (let n = 1; n <= 3; n += 1) addRun(logs, run(n));
    const path = addRun(logs, run(90_000));
    const index = open();
    await told(index);
    unlinkSync(join(logs, DAY, 'run-2.jsonl'));
    assert.equal(await told(index), 'run-90000 success, run-3 success, run-1 success');
    assert.deepEqual(await index.filesOf('run-2'), []);
    rmSync(join(path, '..'), { recursive: true });
    assert.equal(await toldByAll(index), 'run-3 success, run-1 success');
    rmSync(join(logs, DAY), { recursive: true });
    assert.equal(await toldByAll(open()), '');
    const last = open();
    await told(last);
    await last.close();
    assert.deepEqual(indexFiles(), [], 'nothing is kept of days that are gone');
  });

  it('does not notice compression, also half done', async () => {
    for (let n = 1; n <= 3; n += 1) addRun(logs, run(n, { messages: [`text ${n}`] }));
    addToFile(
      logs,
      `${DAY}/_07.0198c0de.jsonl`,
      [4, 5].map((n) => runLine(run(n, { messages: [`text ${n}`] }))).join(''),
    );
    const index = open();
    const answer = JSON.stringify(await index.listJobs({}));
    for (const name of readdirSync(join(logs, DAY))) {
      const path = join(logs, DAY, name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
      assert.equal(JSON.stringify(await index.listJobs({})), answer, `${name} twice`);
      assert.equal((await index.search({ needle: 'text' })).hits.length, 5, `${name} twice`);
      unlinkSync(path);
      assert.equal(JSON.stringify(await index.listJobs({})), answer, `${name} packed`);
    }
    assert.deepEqual(
      (await index.filesOf('run-5')).map(({ name, compression }) => `${name} ${compression}`),
      ['_07.0198c0de gzip'],
    );
    assert.equal(await told(index, { query: 'TEXT 4' }), 'run-4 success');
    assert.equal((await index.search({ needle: 'text 2' })).hits[0]?.job_id, 'run-2');
    await index.close();
    assert.equal(JSON.stringify(await open().listJobs({})), answer);
    assert.equal(JSON.stringify(await open(logs, undefined).listJobs({})), answer);
  });

  it('reads a file anew that was replaced or cut', async () => {
    const path = addRun(logs, run(1, { messages: ['long', 'longer'] }));
    const index = open();
    assert.equal(await told(index), 'run-1 success');
    writeFileSync(path, runLine({ ...run(7), status: 'failure' }));
    assert.equal(await toldByAll(index), 'run-7 failure');
  });

  it('reads on where a line was half written', async () => {
    const line = runLine(run(1));
    const path = addToFile(logs, `${DAY}/_07.0198c0de.jsonl`, runLine(run(2)) + line.slice(0, 200));
    const index = open();
    assert.equal(await told(index), 'run-2 success');
    appendFileSync(path, line.slice(200));
    assert.equal(await toldByAll(index), 'run-2 success, run-1 success');
    // A writer that was killed: who comes next goes on behind the half line.
    appendFileSync(path, line.slice(0, 200) + runLine(run(3)));
    const after = open();
    assert.equal(await told(after), 'run-3 success, run-2 success, run-1 success');
    assert.equal((await after.listJobs({})).skipped_lines, 1);
  });

  it('passes over what is no file of ours', async () => {
    addRun(logs, run(1));
    addToFile(logs, `${DAY}/notes.txt`, 'no log');
    addToFile(logs, `${DAY}/empty.jsonl`, '');
    addToFile(logs, `${DAY}/binary.jsonl`, '\0\x01\x02\n\n{"a":1}\n[]\nnull\n');
    addToFile(logs, `${DAY}/broken.jsonl.gz`, 'no gzip');
    addToFile(logs, `${DAY}/folder.jsonl/x`, '');
    symlinkSync('/etc/passwd', join(logs, DAY, 'link.jsonl'));
    symlinkSync('nowhere', join(logs, DAY, 'dead.jsonl'));
    assert.equal(await toldByAll(open()), 'run-1 success');
  });

  it('gives pages without gaps or repetitions while runs are added, and where many start at once', async () => {
    for (let n = 0; n < 50; n += 1) addRun(logs, { id: `same-${n}`, startMs: DAY_MS + 5000 });
    for (let n = 0; n < 50; n += 1)
      addToFile(logs, `${DAY}/_00.0198c0de.jsonl`, runLine({ id: `shared-${n}`, run: `${n}`, startMs: DAY_MS + 5000 }));
    const index = open();
    const seen: string[] = [];
    for (let cursor: string | undefined, page = 0; ; page += 1) {
      const answer = await index.listJobs({ limit: 7, cursor });
      seen.push(...answer.jobs.map((job) => job.job_id));
      assert.equal(answer.has_more, answer.next_cursor !== undefined);
      if (!answer.has_more) break;
      cursor = answer.next_cursor;
      addRun(logs, { id: `newer-${page}`, startMs: DAY_MS + 6000 + page });
    }
    assert.equal(seen.length, 100);
    assert.equal(new Set(seen).size, 100);
    const exact = await index.listJobs({ limit: 100, to: DAY, operation: 'commit', cursor: undefined });
    assert.equal(exact.has_more, true);
  });

  it('says exactly whether there is more', async () => {
    for (let n = 0; n < 10; n += 1) addRun(logs, run(n));
    const index = open();
    assert.equal((await index.listJobs({ limit: 9 })).has_more, true);
    assert.equal((await index.listJobs({ limit: 10 })).has_more, false);
    assert.equal((await index.search({ needle: 'success', limit: 9 })).has_more, true);
    assert.equal((await index.search({ needle: 'success', limit: 10 })).has_more, false);
  });

  it('lists a run once that lies in two trees, by what both know', async () => {
    const other = join(base, 'other');
    addRun(logs, run(1, { status: null }));
    addRun(logs, run(2));
    cpSync(logs, other, { recursive: true });
    const [, end = ''] = recordsOf(run(1, { status: 'failure' }));
    addToFile(other, `${DAY}/run-1.jsonl`, batchLine([end]));
    addRun(other, run(3));
    const index = open([logs, other]);
    assert.equal(await told(index), 'run-3 success, run-2 success, run-1 failure');
    assert.equal(await told(index, { status: 'failure' }), 'run-1 failure');
    assert.equal(await told(index, { status: 'unknown' }), '');
    assert.equal((await index.filesOf('run-1')).length, 2);
    const first = await index.listJobs({ limit: 1 });
    assert.equal(await told(index, { cursor: first.next_cursor }), 'run-2 success, run-1 failure');
  });

  it('serves several at once on one folder', async () => {
    for (let n = 0; n < 30; n += 1) addRun(logs, run(n));
    const indexes = Array.from({ length: 6 }, () => open());
    const answers = await Promise.all(indexes.map(async (index) => told(index)));
    assert.equal(new Set(answers).size, 1);
    addRun(logs, run(31));
    await Promise.all(indexes.map((index) => told(index)));
    await Promise.all(indexes.map((index) => index.close()));
    assert.equal((await open().listJobs({})).jobs.length, 31);
    assert.deepEqual(
      indexFiles().filter((path) => path.endsWith('.tmp')),
      [],
    );
  });

  it('does not believe times that a file brings', async () => {
    const path = addRun(logs, run(1));
    const index = open();
    await told(index);
    addToFile(logs, `${DAY}/run-1.jsonl`, runLine({ ...run(1), run: 'second', startMs: DAY_MS + 60_000 }));
    utimesSync(path, 0, 0);
    assert.equal((await index.listJobs({})).jobs.length, 2);
  });

  it('knows where in a shared file the spans of a job stand, and lists none of them', async () => {
    const span = (id: string): string =>
      `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${'a'.repeat(32)}","spanId":"b1b2c3d4e5f60718","name":"fetch",` +
      `"kind":3,"startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[{"key":"task.id","value":{"stringValue":"${id}"}}]}]}]}]}\n`;
    const lines = [runLine(run(1)), runLine(run(2)), span('run-1'), runLine(run(3)), span('run-1'), span('other')];
    addToFile(logs, `${DAY}/_07.0198c0de.jsonl`, lines.join(''));
    const index = open();
    assert.equal(await told(index), 'run-3 success, run-2 success, run-1 success');
    const [file] = await index.filesOf('run-1');
    const readTo = lines.join('').length;
    assert.deepEqual(file?.known, { from: 0, to: readTo - span('other').length, readTo });
    assert.equal((await index.filesOf('other')).length, 1);
    assert.equal(await told(index, { query: 'other' }), '');
  });

  it('is made again when it is cut off or overwritten while a reader has it open', async () => {
    const index = open();
    // What was made in no time is not kept.
    for (let n = 0; !existsSync(folder) || indexFiles().length === 0; n += 50) {
      for (let each = n; each < n + 50; each += 1) addRun(logs, run(each));
      await told(index);
      await index.close();
    }
    const answer = await told(index);
    for (const spoil of [
      (path: string): void => truncateSync(path, 10),
      (path: string): void => truncateSync(path, 0),
      (path: string): void => writeFileSync(path, randomBytes(500)),
    ]) {
      for (const path of indexFiles()) spoil(path);
      const answers = await Promise.all([told(index), told(index), index.filesOf('run-1').then(String)]);
      assert.deepEqual(answers.slice(0, 2), [answer, answer]);
      assert.equal(await told(index), answer);
      await index.close();
      assert.equal(await told(index), answer);
    }
  });
});
