/** Runs that are still in memory when the app calls `process.exit(3)`: `node exit-at-once.mjs <runs>`. */
import { runTask } from 'taskspan';

const runs = Number(process.argv[2] ?? 10);
for (let number = 0; number < runs; number++) {
  await runTask('exit', (task) => task.log('info', 'a line'), { id: `exit-${number}` });
}
process.exit(3);
