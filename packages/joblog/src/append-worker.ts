/** The worker thread that writes: one batch of appends per message, each file's in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { type AppendBatch, appendsOf, SLOT, type WorkerInput } from './append-batch.ts';
import { Appender } from './appender.ts';
import { countItems } from './count-items.ts';

const { progress, options } = workerData as WorkerInput;
const appender = new Appender(options);

parentPort?.on('message', (batch: AppendBatch) => {
  const failed = writeBatch(batch);
  // In this order: whoever stops us between the two writes the batch's last appends twice, never not at all.
  Atomics.store(progress, SLOT.entries, 0);
  Atomics.store(progress, SLOT.batches, batch.sequence);
  Atomics.notify(progress, SLOT.batches);
  parentPort?.postMessage(failed);
});
Atomics.store(progress, SLOT.ready, 1);

/** The code of the last failure, or undefined when all went well. */
function writeBatch(batch: AppendBatch): string | undefined {
  let failed: string | undefined;
  let done = 0;
  for (const append of appendsOf(batch)) {
    if (Atomics.load(progress, SLOT.stop) === 1) break;
    const failure = appender.append(append);
    if (failure !== undefined) {
      failed = failure.code;
      const { logs, spans } = countItems(failure.lost);
      Atomics.add(progress, SLOT.lostLogs, logs);
      Atomics.add(progress, SLOT.lostSpans, spans);
    }
    done += 1;
    Atomics.store(progress, SLOT.entries, done);
  }
  return failed;
}
