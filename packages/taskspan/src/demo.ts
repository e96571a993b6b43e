import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordMissedTask, runTask, runTaskSteps, type Task } from '@taskspan/core';
import type { Taskspan } from './start.ts';

export interface DemoOptions {
  /** How long new runs begin, in seconds. */
  readonly seconds: number;
  /** Keeps `/metrics` open afterwards, until the process is ended. */
  readonly keep: boolean;
  readonly print: (line: string) => void;
}

/**
 * Runs small tasks that succeed, fail and expire for a few seconds and shows where they can be seen: for a first look, without an
 * application.
 */
export async function runDemo(taskspan: Taskspan, options: DemoOptions): Promise<void> {
  const { print } = options;
  const end = Date.now() + options.seconds * 1000;
  const url = await taskspan.metricsUrl;
  print(`metrics  ${url ?? 'not served'}`);
  print(`files    ${taskspan.logsFolder ?? 'not written'}`);
  print('');
  let round = 0;
  const open: Promise<void>[] = [];
  do {
    round += 1;
    for (const run of DEMO_TASKS) open.push(run(round).then(print));
    await sleep(250);
  } while (round < LEAST_ROUNDS || Date.now() < end);
  await Promise.all(open);
  recordMissedTask('demo_report', { reason: 'missed' });
  await taskspan.forceFlush();
  print('');
  await showMetrics(url, print);
  showFiles(taskspan.logsFolder, print);
  if (options.keep && url !== undefined) {
    print(`\nserving ${url} until Ctrl-C`);
    await new Promise(() => setInterval(() => {}, 60_000));
  }
}

/** After so many every task has shown all its ends, however short the time. */
const LEAST_ROUNDS = 3;

type DemoTask = (round: number) => Promise<string>;

const DEMO_TASKS: readonly DemoTask[] = [
  async (round) => {
    const steps = ['fetch', 'resize', 'store'].map((name) => ({ name, run: () => sleep(20 + Math.random() * 60) }));
    await runTaskSteps('demo_thumbnails', steps, { label: `image-${round}`, enqueuedAt: Date.now() - 100 });
    return 'demo_thumbnails  success';
  },
  async (round) => {
    const work = async (task: Task): Promise<void> => {
      for (const share of [0.25, 0.5, 1]) {
        await sleep(30);
        task.progress(share, `${share * 100} %`);
      }
      task.metric('rows_processed', 100 * round);
      task.log('info', 'report written', { round });
    };
    await runTask('demo_report', work, { deadline: Date.now() + (round % 3 === 0 ? 1 : 60_000) });
    return `demo_report      ${round % 3 === 0 ? 'expired: it ended after its deadline' : 'success'}`;
  },
  async (round) => {
    const work = async (): Promise<void> => {
      await sleep(40);
      if (round % 2 === 0) throw new RangeError('no such account');
    };
    try {
      await runTask('demo_invoice', work);
      return 'demo_invoice     success';
    } catch (error) {
      return `demo_invoice     failure: ${String(error)}`;
    }
  },
];

async function showMetrics(url: string | undefined, print: DemoOptions['print']): Promise<void> {
  if (url === undefined) return;
  const text = await (await fetch(url)).text();
  print(`from ${url}:`);
  for (const line of text.split('\n')) {
    if (/^async_operations?_(running|total|started_total)\{/.test(line) && !/ 0(\.0+)?$/.test(line)) print(`  ${line}`);
  }
}

function showFiles(folder: string | undefined, print: DemoOptions['print']): void {
  if (folder === undefined) return;
  const days = readdirSync(folder).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name));
  const day = days.sort().at(-1);
  if (day === undefined) return;
  const files = readdirSync(join(folder, day)).filter((name) => !name.startsWith('_'));
  print(`\none file per run in ${join(folder, day)}; the last one:`);
  const last = files.sort().at(-1);
  if (last !== undefined) print(`  ${join(folder, day, last)}`);
}
