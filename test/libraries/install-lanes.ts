// Installs all lanes, one after the other, before tests that run beside each other need them.
import { laneModules, removeLaneModules } from './lane-modules.ts';
import { LANES } from './lanes.ts';

try {
  for (const lane of LANES) {
    const start = performance.now();
    await laneModules(lane);
    console.log(`${lane.name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
} finally {
  removeLaneModules();
}
