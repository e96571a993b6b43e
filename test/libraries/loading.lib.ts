import assert from 'node:assert/strict';
import { LIBRARIES } from '@taskspan/instrumentations/libraries';
import { LANES, type Lane, mainsOf } from './lanes.ts';
import { runScenario } from './scenario.ts';

/** Those that are off until they are asked for are on here too. */
const ALL = LIBRARIES.flatMap(({ name, byDefault }) => (byDefault ? [] : [`+${name}`])).join();

/** What an app gets of each package of a lane, by the two ways to load it; a package may allow one only. */
function loadingApps(lane: Lane): Readonly<Record<string, string>> {
  const packages = JSON.stringify(Object.keys(Object.assign({}, ...lane.installs)));
  const body = (load: string): string => `
const shape = (value) => typeof value === 'function' ? \`\${value.name}/\${value.length}\` : typeof value;
(async () => {
  for (const name of ${packages}) {
    try {
      const all = ${load};
      const names = Object.keys(all).sort();
      console.log(name, shape(all), ...names.map((key) => \`\${key}:\${shape(all[key])}\`));
    } catch (error) {
      console.log(name, error.code);
    }
  }
})();
`;
  return { 'load.mjs': body('await import(name)'), 'load.cjs': body('require(name)') };
}

/** Said of libraries that are ES modules inside, where nothing can see what `require` loads of them. */
const UNSEEN = /^taskspan: \S+: its inner files cannot be hooked when it is loaded by require\(\) on Node 20/;

describe('the job libraries', () => {
  for (const lane of LANES) {
    const files = loadingApps(lane);
    for (const main of mainsOf(lane, Object.keys(files))) {
      it(`${lane.name}, ${main}: give an app the same exports as without the flag`, async () => {
        const scenario = { lane, files, main, env: { TASKSPAN_INSTRUMENTATIONS: ALL } };
        const [alone, observed] = await Promise.all([
          runScenario({ ...scenario, flag: 'none' }),
          runScenario(scenario),
        ]);
        assert.equal(observed.stdout, alone.stdout);
        const complaints = observed.stderr.split('\n').filter((line) => !UNSEEN.test(line));
        assert.deepEqual(complaints, alone.stderr.split('\n'));
      });
    }
  }
});
