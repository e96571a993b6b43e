/**
 * A process that writes job logs, for tests of how processes end. Arguments: what to do, the logs folder.
 */
import { ended, fakeRecord, fakeRun, INSTANCE_ID, RESOURCE, START_MS, started, taskSpan } from './fake-run.test.fixture.ts';
import { JobLogWriter } from './job-log-writer.ts';

const [, , what = '', directory = '', label = 'run'] = process.argv;
const writer = new JobLogWriter({ directory, resource: RESOURCE, instanceId: INSTANCE_ID, runFilesPerHour: 'unlimited' });
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
      for (let more = 0; more < 50; more += 1) {
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
  /** Is idle long enough for the timer, then tells. */
  timer() {
    wholeRun('only');
    const alive = setInterval(() => {}, 1000);
    process.on('message', () => clearInterval(alive));
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
