/** Worker threads and cluster workers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, endings, series } from './app-folder.test.fixture.ts';

describe('threads and workers under taskspan/register', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  it("worker threads count in the main thread's metrics and write their own runs' files", async () => {
    app.write(
      'worker.mjs',
      `import { runTask } from 'taskspan';
      import { parentPort, threadId } from 'node:worker_threads';
      for (let at = 0; at < 10; at++) await runTask('in_thread', async () => {}, { id: 'thread-' + threadId + '-' + at });
      parentPort.postMessage('done');`,
    );
    app.write(
      'hanging.mjs',
      `import { startTask } from 'taskspan';
      import { parentPort } from 'node:worker_threads';
      startTask('hanging', { id: 'hanging' });
      setInterval(() => {}, 1e6);
      setTimeout(() => parentPort.postMessage('open'), 1200);`,
    );
    const data = app.ownData();
    const source = `import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      import { runTask } from 'taskspan';
      import { metrics } from './own.mjs';
      const workers = [new Worker('./worker.mjs'), new Worker('./worker.mjs')];
      const hanging = new Worker('./hanging.mjs');
      await runTask('in_main', async () => {}, { id: 'main' });
      await Promise.all(workers.map((worker) => once(worker, 'exit')));
      await once(hanging, 'message');
      console.log(await metrics());
      console.log('----');
      await hanging.terminate();
      console.log(await metrics());`;
    const ended = await app.run(source, { env: data });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const [whileOpen = '', after = ''] = ended.stdout.split('----');
    for (const text of [whileOpen, after]) {
      assert.equal(series(text, 'async_operations_total', { operation: 'in_thread', status: 'success' }), 20);
      assert.equal(series(text, 'async_operations_total', { operation: 'in_main', status: 'success' }), 1);
    }
    const running = (text: string): number | undefined =>
      series(text, 'async_operations_running', { operation: 'hanging' });
    assert.deepEqual([running(whileOpen), running(after)], [1, 0]);
    assert.equal(series(after, 'async_operations_started_total', { operation: 'hanging' }), 1);
    const ends = endings(data.TASKSPAN_DIR);
    assert.equal(Object.keys(ends).filter((id) => id.startsWith('thread-')).length, 20);
    assert.equal(ends['main'], 'success');
  });

  it('threads that are terminated at any moment, also while they load, end without a word', async () => {
    app.write('idle.cjs', 'setInterval(() => {}, 1e6);');
    const source = `import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      async function terminated(afterMs) {
        const worker = new Worker('./idle.cjs');
        await once(worker, 'online');
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        await worker.terminate();
      }
      for (let ms = 0; ms < 240; ms += 12) await Promise.all([terminated(ms), terminated(ms + 4), terminated(ms + 8)]);
      console.log('all ended');`;
    const ended = await app.run(source, { env: { ...app.ownData(), TASKSPAN_CONSOLE: 'on' } });
    assert.deepEqual([ended.code, ended.signal, ended.stdout, ended.stderr], [0, null, 'all ended\n', '']);
  }).timeout(60_000);

  it('cluster workers have an address, an instance and files each', async () => {
    const data = app.ownData();
    const source = `import cluster from 'node:cluster';
      import { runTask } from 'taskspan';
      import { metrics, own } from './own.mjs';
      if (cluster.isPrimary) {
        const seen = [];
        const heard = (worker, message) => {
          seen.push(message);
          if (seen.length < 2) return;
          console.log(JSON.stringify(seen));
          for (const one of Object.values(cluster.workers)) one.disconnect();
        };
        cluster.on('message', heard);
        cluster.fork(); cluster.fork();
      } else {
        await runTask('in_worker', async () => {}, { id: 'worker-' + cluster.worker.id });
        process.send({ ...await own(), text: await metrics() });
      }`;
    const ended = await app.run(source, { env: data });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const seen = JSON.parse(ended.stdout) as { instance: string; metrics_url: string; text: string }[];
    assert.equal(new Set(seen.map(({ instance }) => instance)).size, 2);
    assert.equal(new Set(seen.map(({ metrics_url }) => metrics_url)).size, 2);
    for (const { text } of seen) {
      assert.equal(series(text, 'async_operations_total', { operation: 'in_worker', status: 'success' }), 1);
    }
    assert.deepEqual(endings(data.TASKSPAN_DIR), { 'worker-1': 'success', 'worker-2': 'success' });
  });
});
