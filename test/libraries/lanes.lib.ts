import assert from 'node:assert/strict';
import { LIBRARIES } from '@taskspan/instrumentations/libraries';
import { LANES, lanesOf } from './lanes.ts';

/** Ranges with one end that no lane holds, and why. */
const UNTRIED: Readonly<Record<string, string>> = {
  temporal: 'a quarter of a gigabyte a version',
};

describe('the lanes', () => {
  for (const { name, packages, supported } of LIBRARIES) {
    for (const library of packages) {
      it(`hold ${library} at both ends of ${supported}`, () => {
        const [, oldest, above] = /^>=([\d.]+) <([\d.]+)$/.exec(supported) ?? [];
        assert.ok(oldest !== undefined && above !== undefined, supported);
        const versions = lanesOf(library).map(({ version }) => version);
        if (UNTRIED[name] === undefined) {
          assert.ok(
            versions.some((version) => `${version}.`.startsWith(`${oldest}.`)),
            `${oldest} is none of ${versions}`,
          );
        }
        const newest = above.replace(/\d+$/, (last) => String(Number(last) - 1));
        assert.ok(
          versions.some((version) => `${version}.`.startsWith(`${newest}.`)),
          `${newest} is none of ${versions}`,
        );
      });
    }
  }

  it('ask for exact versions', () => {
    const asked = LANES.flatMap(({ installs, beside }) =>
      [...installs, beside].flatMap((packages) => Object.values(packages)),
    );
    assert.deepEqual(
      asked.filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  });
});
