import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from './collector-stand-in.test.ts';
import { HttpTransport, readRetryAfter } from './http-transport.ts';

const collector = new CollectorStandIn();
const body = Buffer.from('{}');

/** Knows the context of synchronous code, which is all that one test needs. */
class SyncContextManager implements ContextManager {
  #active: Context = ROOT_CONTEXT;
  active(): Context {
    return this.#active;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    inner: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const outer = this.#active;
    this.#active = inner;
    try {
      return fn.call(thisArg as ThisParameterType<F>, ...args);
    } finally {
      this.#active = outer;
    }
  }
  bind<T>(_context: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

describe('HttpTransport', () => {
  beforeEach(async () => {
    collector.answer = OK;
    await collector.start();
  });
  afterEach(() => collector.stop());

  for (const [status, kind] of [
    [200, 'delivered'],
    [202, 'delivered'],
    [301, 'refused'],
    [400, 'refused'],
    [401, 'refused'],
    [404, 'refused'],
    [413, 'refused'],
    [429, 'retryable'],
    [500, 'refused'],
    [502, 'retryable'],
    [503, 'retryable'],
    [504, 'retryable'],
  ] as const) {
    it(`takes HTTP ${status} for ${kind}`, async () => {
      collector.answer = (response) => response.writeHead(status).end();
      const transport = new HttpTransport(collector.target('logs'));
      assert.equal((await transport.post(body)).kind, kind);
      transport.close();
    });
  }

  it('takes a connection cut off in mid-answer for worth another try, and shows no password', async () => {
    collector.answer = (response) => response.destroy();
    const url = `http://me:secret@127.0.0.1:${collector.port}/v1/logs`;
    const transport = new HttpTransport(collector.target('logs', { url }));
    const result = await transport.post(body);
    assert.ok(result.kind === 'retryable' && !result.reason.includes('secret'));
    transport.close();
  });

  it('has its requests traced by nobody', async () => {
    context.setGlobalContextManager(new SyncContextManager());
    const agent = Agent.prototype as unknown as { addRequest: (...args: unknown[]) => void };
    const { addRequest } = agent;
    const suppressed: boolean[] = [];
    agent.addRequest = function (...args) {
      suppressed.push(isTracingSuppressed(context.active()));
      addRequest.apply(this, args);
    };
    try {
      const transport = new HttpTransport(collector.target('logs'));
      await transport.post(body);
      transport.close();
    } finally {
      agent.addRequest = addRequest;
      context.disable();
    }
    assert.deepEqual(suppressed, [true]);
  });

  it('takes a kept-alive connection that the server closed meanwhile for no failure', async () => {
    const transport = new HttpTransport(collector.target('logs'));
    assert.equal((await transport.post(body)).kind, 'delivered');
    let closed = 0;
    collector.answer = (response, index) => {
      if (closed++ === 0) response.destroy();
      else OK(response, index);
    };
    assert.equal((await transport.post(body)).kind, 'delivered');
    assert.equal(closed, 2);
    transport.close();
  });

  it('says which certificate cannot be read', () => {
    const target = collector.target('logs', { url: 'https://localhost', certificate: 'absent.pem' });
    assert.throws(() => new HttpTransport(target), /absent\.pem/);
  });
});

describe('readRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  for (const [value, waitMs] of [
    [undefined, undefined],
    ['3', 3000],
    ['0', 0],
    ['soon', undefined],
    ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
    ['Thu, 01 Jan 2015 00:00:00 GMT', 0],
  ] as const) {
    it(`reads ${value}`, () => assert.equal(readRetryAfter(value, now), waitMs));
  }
});
