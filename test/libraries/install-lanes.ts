// Installs all lanes, one after the other, before tests that run beside each other need them.
import { installLane } from './lane-modules.ts';
import { LANES } from './lanes.ts';

for (const lane of LANES) {
  const start = performance.now();
  await installLane(lane);
  console.log(`${lane.name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
