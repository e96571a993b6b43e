/**
 * A process that writes job logs, for tests of how processes end. Arguments: what to do, the logs folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import {
  ended,
  fakeRecord,
  fakeRun,
  INSTANCE_ID,
  RESOURCE,
  START_MS,
  started,
  taskSpan,
} from './fake-run.test.fixture.ts';
import { JobLogWriter } from './job-log-writer.ts';

const [, , what = '', directory = '', label = 'run'] = process.argv;
const writer = new JobLogWriter({
  directory,
  resource: RESOURCE,
  instanceId: INSTANCE_ID,
  runFilesPerHour: 'unlimited',
});
process.on('exit', () => writer.flushSync());

function wholeRun(id: string): void {
  const run = fakeRun(id, { file: writer.fileNamer(id, START_MS) });
  writer.sink(started(run));
  writer.sink(ended(run));
  writer.onSpanEnd(taskSpan(run));
}

const actions: Readonly<Record<string, () => void>> = {
  /** Writes for ever, to its own files and to one that another process writes, too. */
  endless() {
    const shared = fakeRun('shared', { file: '2026-03-04/shared' });
    let at = 0;
    setInterval(() => {
      for (let more = 0; more < 10; more += 1) {
        wholeRun(`${label}-${at}`);
        writer.sink(fakeRecord(shared, { body: `${label} ${at}` }));
        at += 1;
      }
      void writer.forceFlush().then(() => process.send?.(at));
    }, 5);
  },
  /** Ends in the tick in which its run ends. */
  exit() {
    wholeRun('only');
    process.exit(3);
  },
  /** Ends by itself: nothing of the writer keeps it. */
  end() {
    wholeRun('only');
  },
  /** Tells when its run is on disk, without having asked for it. */
  timer() {
    const file = `${directory}/2026-03-04/only.jsonl`;
    wholeRun('only');
    const look = setInterval(() => {
      if (!existsSync(file) || !readFileSync(file, 'utf8').includes('resourceSpans')) return;
      clearInterval(look);
      process.send?.('written');
      process.disconnect();
    }, 5);
  },
  /** 100 000 runs that end in one tick. */
  burst() {
    const idle = process.memoryUsage.rss();
    for (let at = 0; at < 100_000; at += 1) wholeRun(`run-${at}`);
    writer.flushSync(60_000);
    process.send?.({ idle, peak: process.resourceUsage().maxRSS * 1024 });
    process.disconnect();
  },
};

actions[what]?.();
