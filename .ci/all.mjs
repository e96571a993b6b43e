// Runs the named package scripts in turn, all of them even when one fails, and fails when any did.
import { spawnSync } from 'node:child_process';

const failed = process.argv.slice(2).filter((script) => {
  console.log(`\n== ${script}`);
  return spawnSync('npm', ['run', '--silent', script], { stdio: 'inherit', shell: process.platform === 'win32' })
    .status;
});
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
