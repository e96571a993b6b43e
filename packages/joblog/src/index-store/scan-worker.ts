/** The thread that looks through files: one question per message, each answered in turn. */
import { parentPort } from 'node:worker_threads';
import type { ScanTask } from './scan-threads.ts';
import { scanFiles } from './text-scan.ts';

let last: Promise<void> = Promise.resolve();

parentPort?.on('message', ({ id, question }: ScanTask) => {
  // The memory that files are read into serves one at a time.
  last = last.then(async () => {
    parentPort?.postMessage({ id, answer: await scanFiles(question) });
  });
});
