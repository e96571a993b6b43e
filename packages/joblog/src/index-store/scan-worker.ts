/** The thread that reads files, for a text or for the index: one question per message, each answered in turn. */
import { parentPort } from 'node:worker_threads';
import { answerTo, type ScanTask } from './scan-threads.ts';

let last: Promise<void> = Promise.resolve();

parentPort?.on('message', ({ id, asked }: ScanTask) => {
  // The memory that files are read into serves one at a time.
  last = last.then(async () => {
    parentPort?.postMessage({ id, answer: await answerTo(asked) });
  });
});
