/** A certificate that signs itself, for servers of tests on 127.0.0.1: X.509 in DER, which Node reads but does not write. */
import { generateKeyPairSync, sign } from 'node:crypto';

/** PEM texts. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const TAG = { boolean: 1, integer: 2, bits: 3, octets: 4, oid: 6, text: 12, time: 23, sequence: 0x30, set: 0x31 };
const ECDSA_SHA256 = '2a8648ce3d040302';
const COMMON_NAME = '550403';
const ALTERNATIVE_NAME = '551d11';
const BASIC_CONSTRAINTS = '551d13';
const DAY_MS = 86_400_000;

/** Valid from yesterday to tomorrow. */
export function selfSigned(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(TAG.sequence, oid(ECDSA_SHA256));
  const name = der(TAG.sequence, der(TAG.set, der(TAG.sequence, oid(COMMON_NAME), der(TAG.text, Buffer.from('test')))));
  const address = der(0x87, Buffer.from([127, 0, 0, 1]));
  const isAuthority = der(TAG.boolean, Buffer.from([0xff]));
  const extensions = [
    der(TAG.sequence, oid(ALTERNATIVE_NAME), der(TAG.octets, der(TAG.sequence, address))),
    der(TAG.sequence, oid(BASIC_CONSTRAINTS), isAuthority, der(TAG.octets, der(TAG.sequence, isAuthority))),
  ];
  const content = der(
    TAG.sequence,
    der(0xa0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, Buffer.from([1])),
    algorithm,
    name,
    der(TAG.sequence, time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(TAG.sequence, ...extensions)),
  );
  const signature = der(TAG.bits, Buffer.from([0]), sign('sha256', content, privateKey));
  const bytes = der(TAG.sequence, content, algorithm, signature);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function oid(hex: string): Buffer {
  return der(TAG.oid, Buffer.from(hex, 'hex'));
}

/** `YYMMDDhhmmssZ` */
function time(ms: number): Buffer {
  return der(TAG.time, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
}
