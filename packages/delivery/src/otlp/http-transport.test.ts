import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from '../collector-stand-in.test.ts';
import type { RequestBody } from '../send-result.ts';
import { packBody } from '../spool/packed-body.ts';
import { HttpTransport } from './http-transport.ts';

const collector = new CollectorStandIn();
const body: RequestBody = { bytes: Buffer.from('{}'), format: 'json', gzip: false, items: 1 };

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

  it('takes the status for the answer when its body never ends', async () => {
    for (const [status, kind] of [
      [200, 'delivered'],
      [503, 'retryable'],
    ] as const) {
      collector.answer = (response) => response.writeHead(status).write('{');
      const transport = new HttpTransport(collector.target('traces', { timeoutMs: 200 }));
      assert.equal((await transport.post(body)).kind, kind);
      transport.close();
    }
  });

  it('says that a request is accepted before its answer is read', async () => {
    const heard: string[] = [];
    collector.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"partialSuccess":');
      const finish = setInterval(() => {
        if (heard.length === 0) return;
        clearInterval(finish);
        response.end('{"rejectedLogRecords":"2","errorMessage":"old"}}');
      }, 1);
    };
    const transport = new HttpTransport(collector.target('logs'));
    const result = await transport.post(body, () => heard.push('accepted'));
    assert.deepEqual([heard, result], [['accepted'], { kind: 'delivered', rejected: 2, message: 'old' }]);
    collector.answer = (response) => response.writeHead(503).end();
    assert.equal((await transport.post(body, () => heard.push('no'))).kind, 'retryable');
    assert.equal(heard.length, 1);
    transport.close();
  });

  for (const compression of ['none', 'gzip'] as const) {
    it(`sends what is packed already, and what is not, with compression ${compression}`, async () => {
      const transport = new HttpTransport(collector.target('logs', { compression }));
      for (const one of [body, await packBody(body)]) {
        collector.received.length = 0;
        assert.equal((await transport.post(one)).kind, 'delivered');
        const [received] = collector.received;
        assert.equal(received?.headers['content-encoding'], compression === 'gzip' ? 'gzip' : undefined);
        assert.deepEqual(received?.json, {});
      }
      transport.close();
    });
  }

  it('refuses what was damaged on the disk, without asking anybody', async () => {
    const transport = new HttpTransport(collector.target('logs'));
    const asked = collector.asked;
    assert.equal((await transport.post({ ...body, gzip: true })).kind, 'refused');
    assert.equal(collector.asked, asked);
    transport.close();
  });

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
