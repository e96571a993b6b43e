import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { LIBRARIES } from '../library-table.ts';
import { isInRange } from './version-range.ts';

describe('isInRange', () => {
  const table: readonly (readonly [version: string, range: string, inside: boolean])[] = [
    ['1.91.0', '>=1.91 <7', true],
    ['1.90.9', '>=1.91 <7', false],
    ['6.99.99', '>=1.91 <7', true],
    ['7.0.0', '>=1.91 <7', false],
    ['7.0.0-beta.1', '>=1.91 <7', false],
    ['6.0.0-rc.1', '>=6 <7', true],
    ['10.4.2', '>=10.4.2', true],
    ['10.4.1', '>=10.4.2', false],
    ['no version', '>=0', false],
  ];
  for (const [version, range, inside] of table) {
    it(`${version} is ${inside ? '' : 'not '}in ${range}`, () => assert.equal(isInRange(version, range), inside));
  }

  it('refuses a range of another kind, naming it', () => {
    assert.throws(() => isInRange('1.0.0', '^1.2.3'), /"\^1\.2\.3"/);
  });

  it('understands every range of the table of libraries', () => {
    for (const { supported } of LIBRARIES) isInRange('1.2.3', supported);
  });
});
