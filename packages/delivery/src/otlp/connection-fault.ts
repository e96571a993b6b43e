/** What can be put right when a connection fails: the codes are Node's, OpenSSL's and the HTTP parser's. */
const UNTRUSTED = 'its certificate is not trusted: look at OTEL_EXPORTER_OTLP_CERTIFICATE';
const NO_TLS = 'TLS is not spoken there: look at http or https, and the port, in OTEL_EXPORTER_OTLP_ENDPOINT';
const NO_HTTP =
  'HTTP is not spoken there: look at http or https, and the port, in OTEL_EXPORTER_OTLP_ENDPOINT; OTLP over HTTP has 4318, gRPC 4317';

const MENDS: Readonly<Record<string, string>> = {
  EPROTO: NO_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it, or look at OTEL_EXPORTER_OTLP_CERTIFICATE',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: look at the host in OTEL_EXPORTER_OTLP_ENDPOINT',
};

/** The port of OTLP over gRPC, where HTTP is cut off. */
const GRPC_PORT = /^https?:\/\/[^/]*:4317(\/|$)/;

/**
 * Why there was no answer, with what to look at where that is known.
 *
 * @param error what the request failed with
 * @param url where it went
 */
export function describeFault(error: NodeJS.ErrnoException, url: string): string {
  const code = error.code ?? error.message;
  const mend = MENDS[code] ?? mendOf(code, url);
  return mend === undefined ? code : `${code} (${mend})`;
}

function mendOf(code: string, url: string): string | undefined {
  if (code.startsWith('ERR_SSL_')) return NO_TLS;
  if (code.startsWith('HPE_') || (code === 'ECONNRESET' && GRPC_PORT.test(url))) return NO_HTTP;
  return undefined;
}
