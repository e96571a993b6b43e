import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeFault } from './connection-fault.ts';

function said(code: string, url = 'https://collector:4318/v1/logs'): string {
  return describeFault(Object.assign(new Error('of the connection'), { code }), url);
}

describe('describeFault', () => {
  for (const [code, words] of [
    ['EPROTO', /http or https, and the port, in OTEL_EXPORTER_OTLP_ENDPOINT/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /http or https, and the port, in OTEL_EXPORTER_OTLP_ENDPOINT/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /OTEL_EXPORTER_OTLP_CERTIFICATE/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /OTEL_EXPORTER_OTLP_CERTIFICATE/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /OTEL_EXPORTER_OTLP_CERTIFICATE/],
    ['CERT_HAS_EXPIRED', /expired.*OTEL_EXPORTER_OTLP_CERTIFICATE/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /another name.*OTEL_EXPORTER_OTLP_ENDPOINT/],
    ['HPE_INVALID_CONSTANT', /http or https.*OTEL_EXPORTER_OTLP_ENDPOINT; OTLP over HTTP has 4318, gRPC 4317/],
  ] as const) {
    it(`says what to look at after ${code}`, () => {
      assert.ok(said(code).startsWith(`${code} (`));
      assert.match(said(code), words);
    });
  }

  it('knows the port of gRPC, where a connection is cut off', () => {
    assert.match(said('ECONNRESET', 'http://collector:4317/v1/logs'), /^ECONNRESET \(.*4318/);
    assert.equal(said('ECONNRESET'), 'ECONNRESET');
  });

  it('adds nothing to what speaks for itself', () => {
    assert.equal(said('ECONNREFUSED'), 'ECONNREFUSED');
    assert.equal(describeFault(new Error('over'), 'http://collector'), 'over');
  });
});
