import { LANES, type Lane } from './lanes.ts';
import { runAlike } from './scenario.ts';

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

describe('the job libraries', () => {
  for (const lane of LANES) {
    const files = loadingApps(lane);
    for (const main of Object.keys(files)) {
      it(`${lane.name}, ${main}: give an app the same exports as without the flag`, async () => {
        await runAlike({ lane, files, main });
      });
    }
  }
});
