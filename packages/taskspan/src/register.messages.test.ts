/** Messages of Kafka and AMQP: spans of the official instrumentations that become runs. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, type JobLog, readJobLogs, series } from './app-folder.test.fixture.ts';

/** kafkajs and amqplib as far as their instrumentations look at them; the apps deliver the messages themselves. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'kafkajs/package.json': '{ "name": "kafkajs", "version": "2.2.4", "main": "index.js" }',
  'kafkajs/index.js': `
    class Kafka {
      producer() { return { async send(record) { this.record = record; }, async sendBatch() {}, async transaction() {} }; }
      consumer() { return { async run(config) { this.config = config; } }; }
    }
    exports.Kafka = Kafka;`,
  'amqplib/package.json': '{ "name": "amqplib", "version": "2.3.1", "main": "index.js" }',
  'amqplib/index.js': `Object.assign(exports, require('./lib/channel_model'));`,
  'amqplib/lib/channel_model.js': `
    const { EventEmitter } = require('node:events');
    class Channel extends EventEmitter {
      connection = {};
      publish(exchange, key, content, options) { this.options = options; return true; }
      async consume(queue, onMessage) { this.deliver = onMessage; }
      ack() {} nack() {} reject() {} ackAll() {} nackAll() {}
    }
    exports.Channel = Channel;
    exports.ConfirmChannel = class ConfirmChannel extends Channel {};`,
};

const KAFKA = `
  const producer = new Kafka().producer();
  async function send(topic, count) {
    await producer.send({ topic, messages: Array.from({ length: count }, () => ({ value: 'x' })) });
    return producer.record.messages.map(({ headers }, at) => ({ headers, offset: String(at), value: 'x' }));
  }
  const consumer = new Kafka().consumer();`;

describe('messages under taskspan/register', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
    for (const [file, text] of Object.entries(LIBRARIES)) app.write(`node_modules/${file}`, text);
  });
  after(() => app.remove());

  const runs = (data: string, operation: string): JobLog[] =>
    [...readJobLogs(data).values()].filter(({ records }) =>
      records.some(
        ({ attributes, eventName }) => eventName === 'task.started' && attributes['operation'] === operation,
      ),
    );
  const events = ({ records }: JobLog): string[] => records.map(({ eventName, body }) => eventName || String(body));

  /** The same app in both kinds of modules. */
  const EACH_MESSAGE = (prelude: string): string => `${prelude} ${KAFKA}
    const { Writable } = stream;
    const sink = new Writable({ write: (chunk, encoding, done) => done() });
    const logger = winston.createLogger({ transports: [new winston.transports.Stream({ stream: sink })] });
    async function main() {
      const { metrics } = await import('./own.mjs');
      await consumer.run({ eachMessage: async ({ message }) => {
        await null;
        logger.info('handling ' + message.offset);
        if (message.offset === '1') throw new TypeError('no such order');
      } });
      for (const message of await send('orders', 2)) {
        await consumer.config.eachMessage({ topic: 'orders', partition: 0, message }).catch(() => {});
      }
      console.log(await metrics());
    }
    main();`;

  for (const [what, prelude] of [
    ['ES modules', `import { Kafka } from 'kafkajs'; import winston from 'winston'; import stream from 'node:stream';`],
    [
      'CommonJS',
      `const { Kafka } = require('kafkajs'); const winston = require('winston'); const stream = require('node:stream');`,
    ],
  ] as const) {
    it(`of Kafka are runs: metrics, a file with the lines of the handler, a link to the producer (${what})`, async () => {
      const data = app.ownData();
      const { code, stdout, stderr } = await app.run(EACH_MESSAGE(prelude), { env: data });
      assert.deepEqual([code, stderr], [0, '']);
      assert.equal(series(stdout, 'async_operations_total', { operation: 'orders', status: 'success' }), 1);
      assert.equal(series(stdout, 'async_operations_total', { operation: 'orders', status: 'failure' }), 1);
      assert.equal(series(stdout, 'async_operations_running', { operation: 'orders' }), 0);
      const logs = runs(data.TASKSPAN_DIR, 'orders').sort((a, b) => a.records.length - b.records.length);
      assert.deepEqual(
        logs.map((log) => events(log).sort()),
        [
          ['handling 0', 'task.ended', 'task.started'],
          ['exception', 'handling 1', 'task.ended', 'task.started'],
        ],
      );
      const [span, ...others] = logs[0]?.spans ?? [];
      assert.deepEqual(others, []);
      assert.equal(span?.name, 'process orders');
      assert.equal(span?.attributes['task.status'], 'success');
      assert.equal(span?.attributes['task.library'], 'kafkajs');
      assert.deepEqual(
        span?.links.map((link) => link.spanId),
        [span?.parentSpanId],
      );
    });
  }

  it('of a batch are runs each; the first has what the handler does', async () => {
    const data = app.ownData();
    const { code, stdout, stderr } = await app.run(
      `import { Kafka } from 'kafkajs';
      import { runTask } from 'taskspan';
      import { metrics } from './own.mjs';
      ${KAFKA}
      await consumer.run({ eachBatch: async () => { await runTask('inside', async () => {}); } });
      await consumer.config.eachBatch({ batch: { topic: 'orders', partition: 0, messages: await send('orders', 3) } });
      console.log(await metrics());`,
      { env: data },
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(series(stdout, 'async_operations_total', { operation: 'orders', status: 'success' }), 3);
    assert.equal(series(stdout, 'async_operation_duration_seconds_count', { operation: 'orders' }), 3);
    const logs = runs(data.TASKSPAN_DIR, 'orders');
    assert.deepEqual(
      logs.map(({ records }) => records[0]?.attributes['task.batch.size']),
      [3, 3, 3],
    );
    assert.deepEqual(
      logs
        .map(({ spans }) =>
          spans
            .map(({ name }) => name)
            .sort()
            .join(),
        )
        .sort(),
      ['poll orders,process orders', 'process orders', 'process orders'],
    );
  });

  it('of AMQP are runs from delivery to ack, by the name of their queue', async () => {
    const data = app.ownData();
    const { code, stdout, stderr } = await app.run(
      `import amqp from 'amqplib';
      import { metrics } from './own.mjs';
      const channel = new amqp.Channel();
      const message = () => {
        channel.publish('shop', 'new', Buffer.from('x'));
        return { fields: { exchange: 'shop' }, properties: { headers: channel.options.headers, messageId: 'm-1' } };
      };
      await channel.consume('mails', () => {});
      const [good, bad, open] = [message(), message(), message()];
      for (const one of [good, bad, open]) channel.deliver(one);
      channel.ack(good);
      channel.nack(bad);
      console.log(await metrics());`,
      { env: data },
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(series(stdout, 'async_operations_total', { operation: 'mails', status: 'success' }), 1);
    assert.equal(series(stdout, 'async_operations_total', { operation: 'mails', status: 'failure' }), 1);
    assert.equal(series(stdout, 'async_operations_running', { operation: 'mails' }), 1);
    const ends = runs(data.TASKSPAN_DIR, 'mails').map(({ records }) => {
      const { attributes } = records.find(({ eventName }) => eventName === 'task.ended') ?? assert.fail('no end');
      return `${attributes['task.status']} ${attributes['error.type'] ?? ''}`.trim();
    });
    // The one that nobody acknowledged ends with the process.
    assert.deepEqual(ends.sort(), ['cancelled process_exit', 'failure nack', 'success']);
  });

  it('count, and have their files, when nothing is sampled', async () => {
    const data = app.ownData();
    const { stdout } = await app.run(
      `import { Kafka } from 'kafkajs';
      import { metrics } from './own.mjs';
      ${KAFKA}
      await consumer.run({ eachMessage: async () => {} });
      const [message] = await send('orders', 1);
      await consumer.config.eachMessage({ topic: 'orders', partition: 0, message });
      console.log(await metrics());`,
      { env: { ...data, OTEL_TRACES_SAMPLER: 'always_off' } },
    );
    assert.equal(series(stdout, 'async_operations_total', { operation: 'orders', status: 'success' }), 1);
    const [log] = runs(data.TASKSPAN_DIR, 'orders');
    assert.deepEqual([log && events(log), log?.spans], [['task.started', 'task.ended'], []]);
  });

  it('are no runs when the library is switched off', async () => {
    const data = app.ownData();
    const { code } = await app.run(
      `import { Kafka } from 'kafkajs'; ${KAFKA}
      await consumer.run({ eachMessage: async () => {} });
      await consumer.config.eachMessage({ topic: 'orders', partition: 0, message: { headers: {}, offset: '1' } });`,
      { env: { ...data, TASKSPAN_INSTRUMENTATIONS: '-kafkajs' } },
    );
    assert.equal(code, 0);
    assert.deepEqual([...readJobLogs(data.TASKSPAN_DIR).keys()], []);
  });
});
