import assert from 'node:assert/strict';
import { JOB_STATUSES, type QueryName, type QueryValues, readQuery } from './parameters.ts';

const MS = 1_000_000n;

const GOOD: readonly (readonly [name: QueryName, text: string, value: QueryValues[QueryName]])[] = [
  ['from', '2026-01-27', '2026-01-27'],
  ['to', '2024-02-29', '2024-02-29'],
  ['operation', 'send email', 'send email'],
  ...JOB_STATUSES.map((status) => ['status', status, status] as const),
  ['label', ' ', ' '],
  ['service', '@shop/mail', '@shop/mail'],
  ['q', '%_*', '%_*'],
  ['since', '0', 0n],
  ['since', '1769509845000000001', 1_769_509_845_000_000_001n],
  ['since', '9223372036854775807', 9_223_372_036_854_775_807n],
  ['since', '2026-01-27T10:30:45Z', BigInt(Date.UTC(2026, 0, 27, 10, 30, 45)) * MS],
  ['since', '2026-01-27T10:30:45.000000001Z', BigInt(Date.UTC(2026, 0, 27, 10, 30, 45)) * MS + 1n],
  ['since', '2026-01-27T10:30:45+01:00', BigInt(Date.UTC(2026, 0, 27, 9, 30, 45)) * MS],
  // A plus that was not encoded.
  ['since', '2026-01-27T10:30:45 01:00', BigInt(Date.UTC(2026, 0, 27, 9, 30, 45)) * MS],
  ['level', 'debug', 0],
  ['level', 'Info', 1],
  ['level', 'WARN', 2],
  ['level', '3', 3],
  ['limit', '1', 1],
  ['limit', '10000', 10_000],
  ['cursor', 'x', 'x'],
];

const BAD: Readonly<Record<QueryName, readonly string[]>> = {
  from: ['', 'today', '2026-1-27', '2026-02-30', '2026-01-27T00:00:00Z', '+2026-01-27', '2026-13-01', '2026-00-00'],
  to: ['', '20260127', '2023-02-29'],
  operation: [''],
  status: ['', 'Success', 'done', 'constructor'],
  label: [''],
  service: [''],
  q: [''],
  since: ['', '-1', '1.5', '9223372036854775808', '99999999999999999999', '2026-01-27', 'now', '0x10', '1e3'],
  level: ['', 'warning', 'fatal', '-1', '4', '1.0', '01'],
  limit: ['', '0', '10001', '-1', '1.5', '1e3', '0x10', ' 5', '5 ', 'all', '99999999999999999999', '000001'],
  cursor: [''],
};

describe('readQuery', () => {
  for (const [name, text, value] of GOOD) {
    it(`reads ${name}=${text}`, () => {
      assert.deepEqual(readQuery({ [name]: text }, { query: [name] }), { [name]: value });
    });
  }

  for (const [name, texts] of Object.entries(BAD) as [QueryName, readonly string[]][]) {
    for (const text of texts) {
      it(`refuses ${name}=${text}, and says what it wants`, () => {
        assert.throws(
          () => readQuery({ [name]: text }, { query: [name] }),
          (error: Error & { code?: string; parameter?: string }) =>
            error.code === 'bad_request' &&
            error.parameter === name &&
            error.message.startsWith(`${name} must be `) &&
            error.message.endsWith(`, got ${JSON.stringify(text)}`),
        );
      });
    }
  }

  it('refuses a parameter that the route does not have, is given twice, or is missing', () => {
    const refused = (query: Record<string, unknown>, parameter: string, message: RegExp): void =>
      assert.throws(() => readQuery(query, { query: ['q', 'limit'], required: ['q'] }), { parameter, message });
    refused({ q: 'x', form: '1' }, 'form', /"form" is no parameter of this path: it takes q, limit/);
    refused({ q: 'x', __proto__: undefined, constructor: '1' }, 'constructor', /no parameter/);
    refused({ q: ['x', 'y'] }, 'q', /must be given once/);
    refused({ limit: '1' }, 'q', /q must be given/);
    assert.throws(() => readQuery({ x: '1' }, { query: [] }), /it takes none/);
  });

  it('does not repeat a text without end', () => {
    const long = 'x'.repeat(10_000);
    for (const query of [{ limit: long }, { [long]: '1' }]) {
      assert.throws(
        () => readQuery(query, { query: ['limit'] }),
        (error: Error) => error.message.length < 300,
      );
    }
  });
});
