import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type OtlpAnswer, readAnswer, readRetryAfter } from './otlp-answer.ts';

const ANSWER: OtlpAnswer = {
  status: 200,
  contentType: 'application/json',
  retryAfter: undefined,
  body: Buffer.from('{}'),
  url: 'http://collector/v1/logs',
};

function answer(changes: Partial<OtlpAnswer>) {
  return readAnswer({ ...ANSWER, ...changes }, 0);
}

describe('readAnswer', () => {
  for (const [status, kind] of [
    [200, 'delivered'],
    [202, 'delivered'],
    [301, 'retryable'],
    [400, 'refused'],
    [401, 'retryable'],
    [403, 'retryable'],
    [404, 'retryable'],
    [407, 'retryable'],
    [408, 'retryable'],
    [413, 'too large'],
    [415, 'refused'],
    [422, 'refused'],
    [429, 'retryable'],
    [500, 'retryable'],
    [501, 'refused'],
    [502, 'retryable'],
    [503, 'retryable'],
    [504, 'retryable'],
    [505, 'refused'],
    [522, 'retryable'],
  ] as const) {
    it(`takes HTTP ${status} for ${kind}`, () => assert.equal(answer({ status }).kind, kind));
  }

  it('names status, address and what to look at when the configuration is wrong', () => {
    const body = Buffer.from('no such token');
    const result = answer({ status: 401, contentType: 'text/plain', body });
    assert.ok(result.kind === 'retryable' && result.misconfigured);
    assert.match(result.reason, /collector\/v1\/logs: HTTP 401 no such token \(.*OTEL_EXPORTER_OTLP_HEADERS\)/);
    const absent = answer({ status: 404 });
    assert.ok(absent.kind === 'retryable' && /OTEL_EXPORTER_OTLP_ENDPOINT.*=none/.test(absent.reason));
  });

  it('takes the words of a Collector for 413', () => {
    const body = Buffer.from('{"code":3,"message":"http: request body too large"}');
    assert.equal(answer({ status: 400, body }).kind, 'too large');
  });

  for (const said of [
    'Client sent an HTTP request to an HTTPS server.\n',
    '<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>',
  ]) {
    it(`takes 400 ${said.trim()} for an address to put right`, () => {
      const result = answer({ status: 400, contentType: 'text/html', body: Buffer.from(said) });
      assert.ok(result.kind === 'retryable' && result.misconfigured, JSON.stringify(result));
      assert.match(result.reason, /write https in OTEL_EXPORTER_OTLP_ENDPOINT/);
    });
  }

  it('reads when to come back', () => {
    const result = answer({ status: 503, retryAfter: '7' });
    assert.equal(result.kind === 'retryable' && result.retryAfterMs, 7000);
  });

  it('quotes text, a little of it, and no binary', () => {
    const long = answer({ status: 400, body: Buffer.from('x'.repeat(1000)) });
    assert.ok(long.kind === 'refused' && long.reason.length < 300);
    const binary = answer({ status: 400, contentType: 'application/x-protobuf', body: Buffer.from([8, 3]) });
    assert.equal(binary.kind === 'refused' && binary.reason, 'http://collector/v1/logs: HTTP 400');
  });

  for (const [signal, field] of [
    ['spans', 'rejectedSpans'],
    ['logs', 'rejectedLogRecords'],
    ['metrics', 'rejectedDataPoints'],
  ]) {
    it(`reads how many ${signal} of a JSON answer were rejected, and why`, () => {
      const body = Buffer.from(JSON.stringify({ partialSuccess: { [field ?? '']: '3', errorMessage: 'too old' } }));
      assert.deepEqual(answer({ body }), { kind: 'delivered', rejected: 3, message: 'too old' });
    });
  }

  it('reads it of a protobuf answer, which may say more than we know', () => {
    const message = Buffer.from('too old');
    const partial = Buffer.concat([Buffer.from([0x08, 0xac, 0x02, 0x12, message.length]), message]);
    const body = Buffer.concat([
      Buffer.from([0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4, 0x0a, partial.length]),
      partial,
    ]);
    const contentType = 'application/x-protobuf';
    assert.deepEqual(answer({ body, contentType }), { kind: 'delivered', rejected: 300, message: 'too old' });
    for (const broken of [[0x0a, 100, 1], [0x0b], [0xff], [0x0a]]) {
      assert.deepEqual(answer({ body: Buffer.from(broken), contentType }), { kind: 'delivered' });
    }
  });

  for (const body of ['', 'OK', '<html>', 'null', '[]', '{"partialSuccess":{}}', '{"partialSuccess":null}', '7']) {
    it(`takes 200 with ${JSON.stringify(body)} for a yes`, () => {
      assert.deepEqual(answer({ body: Buffer.from(body) }), { kind: 'delivered' });
    });
  }

  it('hears a message though nothing was rejected', () => {
    const body = Buffer.from('{"partialSuccess":{"errorMessage":"slow down"}}');
    assert.deepEqual(answer({ body }), { kind: 'delivered', message: 'slow down' });
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
