import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

interface Locked {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node?: string };
}

const LOCK = new URL('../../../package-lock.json', import.meta.url);

describe('what the server depends on', () => {
  it('runs on every Node that the server runs on', () => {
    const { packages } = JSON.parse(readFileSync(LOCK, 'utf8')) as { packages: Readonly<Record<string, Locked>> };
    const seen = new Set<string>();
    const wanted: [string, string][] = [['packages/server', 'fastify']];
    for (const [from, name] of wanted) {
      const place = placeOf(packages, from, name);
      if (seen.has(place)) continue;
      seen.add(place);
      const { version, dependencies = {}, engines: { node = '*' } = {} } = packages[place] ?? {};
      assert.ok(admitsNode20(node), `${name} ${version} wants Node ${node}`);
      wanted.push(...Object.keys(dependencies).map((next): [string, string] => [place, next]));
    }
    assert.ok(seen.has('node_modules/cookie') && seen.size > 20, [...seen].join(', '));
  });
});

/** Where Node finds a package for one that lies at `from`. */
function placeOf(packages: Readonly<Record<string, Locked>>, from: string, name: string): string {
  let folder = from;
  for (;;) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[place] !== undefined) return place;
    assert.notEqual(folder, '', `${name} is not locked`);
    const above = folder.lastIndexOf('/node_modules/');
    folder = above === -1 ? '' : folder.slice(0, above);
  }
}

function admitsNode20(range: string): boolean {
  return range.split('||').some((part) => {
    const [, operator = '', major = ''] = /^\s*(>=|\^|~|)\s*v?(\d+|\*)/.exec(part) ?? [];
    return major === '*' || (operator === '>=' ? Number(major) <= 20 : Number(major) === 20);
  });
}
