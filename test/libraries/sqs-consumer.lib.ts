import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario } from './scenario.ts';
import { bothSystems } from './schedule-runs.ts';
import type { Run } from './task-runs.ts';

/** A client of SQS that hands out what is in an array, once. */
const CLIENT = `
const { Consumer } = lib;
const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders';
const asked = [];
const clientOf = (messages) => ({
  send: async (command) => {
    if (command.constructor.name !== 'ReceiveMessageCommand') return {};
    asked.push(command.input.MessageAttributeNames);
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
