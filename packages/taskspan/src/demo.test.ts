import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { runDemo } from './demo.ts';
import type { Taskspan } from './start.ts';
import { recordTasks } from './testing.ts';

/** A toolkit that records nothing: only what the demo makes of it is looked at. */
function fakeTaskspan(changes: Partial<Taskspan> = {}): Taskspan & { flushes: number } {
  const fake = {
    directory: undefined,
    logsFolder: undefined,
    metricsUrl: Promise.resolve(undefined),
    flushes: 0,
    forceFlush: async () => {
      fake.flushes += 1;
    },
    shutdown: async () => {},
    ...changes,
  };
  return fake;
}

describe('runDemo', () => {
  it('runs as many rounds as show every end at least, and says how each run ended', async () => {
    const seen = recordTasks();
    const lines: string[] = [];
    const taskspan = fakeTaskspan();
    await runDemo(taskspan, { seconds: 0, keep: false, print: (line) => lines.push(line) });
    assert.deepEqual(seen.runs.map(({ operation, status }) => [operation, status]).sort(), [
      ['demo_invoice', 'failure'],
      ['demo_invoice', 'success'],
      ['demo_invoice', 'success'],
      ['demo_report', 'expired'],
      ['demo_report', 'success'],
      ['demo_report', 'success'],
      ['demo_thumbnails', 'success'],
      ['demo_thumbnails', 'success'],
      ['demo_thumbnails', 'success'],
    ]);
    seen.stop();
    assert.ok(lines.includes('demo_thumbnails  success'), lines.join('\n'));
    assert.deepEqual(lines.slice(0, 2), ['metrics  not served', 'files    not written']);
    assert.equal(taskspan.flushes, 1);
  });

  it('prints the series that are not 0, and the last file of the last day', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskspan-demo-'));
    const served = [
      'async_operations_total{operation="a",status="success"} 3',
      'async_operations_running{operation="a"} 0',
    ];
    const server = createServer((_, response) => response.end(`${served.join('\n')}\n`)).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      for (const [day, file] of [
        ['2026-01-01', 'z.jsonl'],
        ['2026-01-02', 'a.jsonl'],
        ['2026-01-02', '_process.1.jsonl'],
      ] as const) {
        mkdirSync(join(folder, day), { recursive: true });
        writeFileSync(join(folder, day, file), '');
      }
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
      const lines: string[] = [];
      const taskspan = fakeTaskspan({ logsFolder: folder, metricsUrl: Promise.resolve(url) });
      await runDemo(taskspan, { seconds: 0, keep: false, print: (line) => lines.push(line) });
      assert.ok(lines.includes(`  ${served[0]}`));
      assert.ok(!lines.includes(`  ${served[1]}`));
      assert.equal(lines.at(-1), `  ${join(folder, '2026-01-02', 'a.jsonl')}`);
      assert.match(lines.at(-2) ?? '', /one file per run in /);
    } finally {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true });
    }
  });
});
