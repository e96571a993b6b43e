import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine } from './decode.ts';

const SCRIPT = new URL('./writer-process.test.fixture.ts', import.meta.url).pathname;
const DAY = '2026-03-04';
const MIB = 1024 * 1024;

describe('a process that writes job logs', function () {
  // Removing 100 000 files takes as long as writing them, where the disk is shared.
  this.timeout(120_000);
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'joblog-'));
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  function start(what: string, label = 'run'): ChildProcess {
    const child = fork(SCRIPT, [what, folder, label], { execArgv: ['--import', 'tsx'] });
    children.push(child);
    return child;
  }

  /** Bodies and counts of a file; every line must be whole. */
  function read(name: string): {
    readonly records: number;
    readonly spans: number;
    readonly bodies: readonly unknown[];
  } {
    const lines = readFileSync(join(folder, DAY, name), 'utf8').split('\n');
    assert.equal(lines.pop(), '', `${name} ends with a whole line`);
    let spans = 0;
    const bodies: unknown[] = [];
    for (const line of lines) {
      const decoded = decodeLine(line);
      if (decoded.error !== undefined) assert.fail(`${name}: ${decoded.error} in ${line}`);
      spans += decoded.spans.length;
      bodies.push(...decoded.records.map(({ body }) => body));
    }
    return { records: bodies.length, spans, bodies };
  }

  it("loses nothing with process.exit in the tick of a run's end", async () => {
    const [code] = await once(start('exit'), 'exit');
    assert.equal(code, 3);
    const { records, spans } = read('only.jsonl');
    assert.deepEqual([records, spans], [2, 1]);
  });

  it('is not kept alive', async () => {
    const [code] = await once(start('end'), 'exit');
    assert.equal(code, 0);
    assert.equal(read('only.jsonl').records, 2);
  });

  it('has a run on disk soon after its end, without being asked', async () => {
    const child = start('timer');
    const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    assert.equal(message, 'written');
    assert.deepEqual([read('only.jsonl').records, read('only.jsonl').spans], [2, 1]);
  });

  it('leaves whole lines when killed, and all up to the last flush, also in a file that two processes share', async () => {
    for (let round = 0; round < 3; round += 1) {
      const labels = [`a${round}`, `b${round}`];
      const flushed = await Promise.all(
        labels.map(async (label, at) => {
          const child = start('endless', label);
          let last = 0;
          await new Promise<void>((resolve) => {
            child.on('message', (count) => {
              last = Number(count);
              // At a moment that has nothing to do with its flushes.
              setTimeout(resolve, Math.random() * 60 * (at + 1));
            });
          });
          child.kill('SIGKILL');
          await once(child, 'exit');
          return last;
        }),
      );
      const bodies = new Set(read('shared.jsonl').bodies);
      labels.forEach((label, at) => {
        const count = flushed[at] ?? 0;
        assert.ok(count > 0);
        for (let run = 0; run < count; run += 1) {
          assert.ok(bodies.has(`${label} ${run}`), `record ${run} of ${count} of ${label}`);
          const { records, spans } = read(`${label}-${run}.jsonl`);
          assert.deepEqual([records, spans], [2, 1]);
        }
      });
    }
    for (const name of readdirSync(join(folder, DAY))) read(name);
  });

  it('keeps 100 000 runs that end in one tick, in at most 400 MiB', async () => {
    const child = start('burst');
    const [[memory]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
    const { idle, peak } = memory as { idle: number; peak: number };
    const names = readdirSync(join(folder, DAY));
    assert.equal(names.length, 100_000);
    let records = 0;
    let spans = 0;
    for (const name of names) {
      const text = readFileSync(join(folder, DAY, name), 'utf8');
      if (text.includes('task.started') && text.includes('task.ended')) records += 2;
      if (text.includes('resourceSpans')) spans += 1;
    }
    assert.deepEqual([records, spans], [200_000, 100_000]);
    assert.ok(peak - idle < 400 * MIB, `${Math.round((peak - idle) / MIB)} MiB over idle`);
  }).timeout(120_000);
});
