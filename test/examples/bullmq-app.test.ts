import assert from 'node:assert/strict';
import { ExampleProcess } from './example-process.ts';

/** Nothing listens there. */
const REDIS_URL = 'redis://127.0.0.1:1';

describe('the example with BullMQ', () => {
  it('says so when there is no Redis, whichever of its programs is started', async () => {
    for (const [file, ...args] of [['src/worker.js'], ['src/producer.js', 'order-1', 'lamp']] as const) {
      const { code, stderr } = await new ExampleProcess({ example: 'bullmq-app', file, args, env: { REDIS_URL } })
        .ended;
      assert.equal(code, 1, stderr);
      assert.match(stderr, /no Redis at redis:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/);
    }
  });

  it('explains itself when the order is empty', async () => {
    const end = await new ExampleProcess({ example: 'bullmq-app', file: 'src/producer.js', args: ['order-1'] }).ended;
    assert.deepEqual([end.code, end.stderr], [2, 'usage: node src/producer.js <order> <item>...\n']);
  });
});
