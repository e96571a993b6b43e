/** The worker thread that writes: one batch of appends per message, each file of it in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { type AppendBatch, IS_LAST, IS_NEW, SLOT, type WorkerInput } from './append-batch.ts';
import { Appender } from './appender.ts';
import { countItems } from './count-items.ts';

const { progress, options } = workerData as WorkerInput;
const appender = new Appender(options);

parentPort?.on('message', (batch: AppendBatch) => {
  const failed = writeBatch(batch);
  Atomics.store(progress, SLOT.entries, 0);
  Atomics.store(progress, SLOT.batches, batch.sequence);
  Atomics.notify(progress, SLOT.batches);
  parentPort?.postMessage(failed);
});
Atomics.store(progress, SLOT.ready, 1);

/** The code of the last failure, or undefined when all went well. */
function writeBatch(batch: AppendBatch): string | undefined {
  const { files, texts, hints } = batch;
  let failed: string | undefined;
  for (let at = 0; at < files.length; at += 1) {
    if (Atomics.load(progress, SLOT.stop) === 1) return failed;
    const hint = hints[at] ?? 0;
    const failure = appender.append({
      file: files[at] as string,
      text: texts[at] as string,
      isNew: (hint & IS_NEW) !== 0,
      isLast: (hint & IS_LAST) !== 0,
    });
    if (failure !== undefined) {
      failed = failure.code;
      const { logs, spans } = countItems(failure.lost);
      Atomics.add(progress, SLOT.lostLogs, logs);
      Atomics.add(progress, SLOT.lostSpans, spans);
    }
    Atomics.store(progress, SLOT.entries, at + 1);
  }
  return failed;
}
