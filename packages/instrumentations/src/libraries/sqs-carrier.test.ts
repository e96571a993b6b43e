import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { FakeSqs } from './fake-sqs.test.support.ts';
import { askForCarriers, type CarryingMessage, carrierOf } from './sqs-carrier.ts';

const text = (StringValue: string): object => ({ DataType: 'String', StringValue });
const CARRIER = { traceparent: text('parent'), tracestate: text('state') };

/** Messages that a client gets for what an application asks. */
async function receive(client: FakeSqs, names?: readonly string[]): Promise<readonly CarryingMessage[]> {
  const input = Object.freeze(names === undefined ? {} : { MessageAttributeNames: Object.freeze(names) });
  askForCarriers(client, input);
  return (await client.send({ input }))?.Messages ?? [];
}

describe('askForCarriers', () => {
  it('asks for them below what the application sees, and for none twice', async () => {
    const client = new FakeSqs();
    for (const names of [undefined, [], ['priority', 'traceparent'], ['All'], ['.*'], ['trace.*']]) {
      await receive(client, names);
    }
    assert.deepEqual(client.asked, [
      ['traceparent', 'tracestate', 'baggage'],
      ['traceparent', 'tracestate', 'baggage'],
      ['priority', 'traceparent', 'tracestate', 'baggage'],
      ['All'],
      ['.*'],
      ['trace.*', 'baggage'],
    ]);
    assert.deepEqual(client.added, [{ step: 'serialize', priority: 'high', name: 'taskspanCarrier', override: true }]);
  });

  it('lets other calls of the client be', async () => {
    const client = new FakeSqs();
    await receive(client);
    await client.send({ input: { MessageAttributeNames: ['priority'] } });
    assert.deepEqual(client.asked.at(-1), ['priority']);
  });

  it('makes messages what they had been without, and keeps what they carry', async () => {
    const client = new FakeSqs([{ MessageAttributes: CARRIER, MD5OfMessageAttributes: 'of both' }, {}]);
    const [message, bare] = await receive(client);
    assert.deepEqual([message, bare], [{}, {}]);
    assert.deepEqual(message && carrierOf(message), { traceparent: 'parent', tracestate: 'state' });
    assert.equal(bare && carrierOf(bare), undefined);
  });

  it('leaves what the application asked for, with the digest that SQS makes of it', async () => {
    const attributes = {
      size: { DataType: 'Number', StringValue: '12' },
      image: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2, 3) },
    };
    const client = new FakeSqs([
      { MessageAttributes: { ...CARRIER, ...attributes }, MD5OfMessageAttributes: 'of all' },
    ]);
    const [message] = await receive(client, ['size', 'image']);
    assert.deepEqual(message, {
      MessageAttributes: attributes,
      MD5OfMessageAttributes: '0539803e1c6f24b1c78837247b399f10',
    });
  });

  it('leaves the carrier that the application asked for', async () => {
    const client = new FakeSqs([{ MessageAttributes: CARRIER }]);
    const [message] = await receive(client, ['traceparent']);
    assert.deepEqual(message, { MessageAttributes: { traceparent: CARRIER.traceparent } });
    assert.deepEqual(message && carrierOf(message), { traceparent: 'parent', tracestate: 'state' });
  });

  it('does nothing to a client that is not one of the AWS SDK, or to a call of nothing', () => {
    askForCarriers(undefined, {});
    askForCarriers({}, {});
    askForCarriers({ middlewareStack: {} }, {});
    const client = new FakeSqs();
    askForCarriers(client, undefined);
    assert.deepEqual(client.added, []);
  });
});
