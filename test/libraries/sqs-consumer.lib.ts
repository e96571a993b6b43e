import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario } from './scenario.ts';
import { bothSystems } from './schedule-runs.ts';
import type { Run } from './task-runs.ts';

/** A client of SQS that hands out what is in an array, once. */
const CLIENT = `
const { Consumer } = lib;
const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';
const clientOf = (messages) => ({
  send: async (command) => {
    if (command.constructor.name !== 'ReceiveMessageCommand') return {};
    return { Messages: messages.splice(0) };
  },
});
const message = (MessageId, Body, more) => ({ MessageId, Body, ReceiptHandle: 'r-' + MessageId, ...more });
const drained = (consumer) => new Promise((resolve) => {
  consumer.once('response_processed', () => consumer.stop());
  consumer.once('stopped', resolve);
  consumer.on('error', (error) => console.log('error', error.message));
  consumer.on('processing_error', (error) => console.log(error.message));
  consumer.on('timeout_error', (error) => console.log(error.message));
  consumer.on('message_processed', ({ MessageId }) => console.log('processed', MessageId));
  consumer.start();
});
`;

const SINGLE = `${CLIENT}
const carrier = { traceparent: { DataType: 'String', StringValue: '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01' } };
const messages = [
  message('m1', 'good', { MessageAttributes: carrier, Attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(Date.now() - 3000) } }),
  message('m2', 'bad', { Attributes: { ApproximateReceiveCount: '2' } }),
  message('m3', 'slow'),
  message('m4', 'other'),
];
await drained(Consumer.create({
  queueUrl, batchSize: 10, handleMessageTimeout: 2000, attributeNames: ['All'], sqs: clientOf(messages),
  handleMessage: async (message) => {
    console.log('handling', message.Body);
    if (message.Body === 'bad') throw new RangeError('x');
    if (message.Body === 'slow') await new Promise((resolve) => setTimeout(resolve, 2500));
    return message.Body === 'other' ? { MessageId: 'm9' } : message;
  },
}));
`;

const BATCH = `${CLIENT}
await drained(Consumer.create({
  queueUrl, batchSize: 10, sqs: clientOf([message('m1'), message('m2')]),
  handleMessageBatch: async ([first]) => [first],
}));
`;

/** The AWS SDK's own client, with a queue that hands out those attributes that a request asks for. */
const SDK = `${CLIENT}
const { createServer } = await import('node:http');
const { SQSClient } = await import('@aws-sdk/client-sqs');
const text = (StringValue) => ({ DataType: 'String', StringValue });
const MD5OfBody = '755f85c2723bb39381c7379a604160d8';
const messages = [message('m1', 'good', { MD5OfBody, MessageAttributes: {
  priority: text('high'), traceparent: text('00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01'),
} })];
const asAsked = ({ MessageAttributes, ...rest }, names) => {
  const given = Object.entries(MessageAttributes).filter(([name]) => names.includes(name));
  return given.length > 0 ? { ...rest, MessageAttributes: Object.fromEntries(given) } : rest;
};
const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { MessageAttributeNames = [] } = JSON.parse(body);
  const receiving = request.headers['x-amz-target'] === 'AmazonSQS.ReceiveMessage';
  const answer = receiving ? { Messages: messages.splice(0).map((one) => asAsked(one, MessageAttributeNames)) } : {};
  response.setHeader('content-type', 'application/x-amz-json-1.0').end(JSON.stringify(answer));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const sqs = new SQSClient({
  endpoint: 'http://127.0.0.1:' + server.address().port,
  useQueueUrlAsEndpoint: false, region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
});
const seen = new Set();
sqs.middlewareStack.add((next) => (args) => {
  seen.add(JSON.stringify(args.input));
  return next(args);
}, { step: 'initialize' });
const consumer = Consumer.create({
  queueUrl, sqs, messageAttributeNames: process.argv.slice(2),
  handleMessage: async (message) => {
    console.log(JSON.stringify(message));
    return message;
  },
});
await drained(consumer);
console.log([...seen].join());
sqs.destroy();
server.close();
`;

/** The SDK has one about old versions of Node, with the number of the process. */
const NO_WARNINGS = { NODE_NO_WARNINGS: '1' };

const told = ({ taskId, status, errorType }: Run): string => [taskId, status, errorType ?? ''].join(' ').trim();

describe('sqs-consumer', () => {
  for (const { lane, title } of lanesOf('sqs-consumer')) {
    for (const main of mainsOf(lane)) {
      it(`${title}, ${main}: a message is a run, linked to its sender`, async () => {
        const { runs } = await runAlike({
          lane,
          files: bothSystems('sqs-consumer', SINGLE),
          main,
          env: { TASKSPAN_CONSOLE: 'on' },
        });
        assert.deepEqual(runs.slice(0, 2).map(told), ['orders.m1.1 success', 'orders.m2.2 failure RangeError']);
        assert.deepEqual(
          runs.slice(2).map(({ status, errorType }) => [status, errorType]),
          [
            ['failure', 'timeout'],
            ['deferred', undefined],
          ],
        );
        const [first] = runs;
        assert.deepEqual([first?.operation, first?.kind, first?.attempt], ['orders', 'CONSUMER', 1]);
        assert.deepEqual(first?.links, [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }]);
        assert.deepEqual(
          first?.logLines.map(({ body }) => body),
          ['handling good'],
        );
        const wait = (first?.span?.startMs ?? 0) / 1000 - Number(first?.startedAttributes['task.enqueued_at']);
        assert.ok(wait >= 3 && wait < 60, `${wait} s`);
        assert.equal(first?.attributes['messaging.system'], 'aws_sqs');
      });

      for (const names of [[], ['priority']]) {
        it(`${title}, ${main}: only the queue sees that more than ${names.join() || 'nothing'} is asked for`, async () => {
          const { runs } = await runAlike({
            lane,
            files: bothSystems('sqs-consumer', SDK),
            main,
            args: names,
            env: NO_WARNINGS,
          });
          assert.deepEqual(
            runs.map(({ links }) => links),
            [[{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }]],
          );
        });
      }

      it(`${title}, ${main}: each message of a batch is one`, async () => {
        const { runs } = await runScenario({ lane, files: bothSystems('sqs-consumer', BATCH), main });
        assert.deepEqual(
          runs.map(({ status, attributes }) => [attributes['task.job.id'], status, attributes['task.batch.size']]),
          [
            ['m1', 'success', 2],
            ['m2', 'deferred', 2],
          ],
        );
      });
    }
  }
});
