/** Runs every test of the repository on another Node: `node --import tsx test/compat/suite-on-node.ts 24`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { manifestOf, ROOT } from '../house/source-tree.ts';
import { NODE_VERSIONS, nodeExecutable } from '../pack/cached-install.ts';

const [major = ''] = process.argv.slice(2);
const version = Object.entries(NODE_VERSIONS).find(([candidate]) => candidate === major)?.[1];
if (version === undefined) throw new Error(`say which Node: ${Object.keys(NODE_VERSIONS).join(', ')}`);

const node = await nodeExecutable(version);
console.log(`The whole suite on Node ${version}`);
const { status } = spawnSync(node, [join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js'), ...suiteArguments()], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

/** What `npm test` gives to mocha: the two must not drift apart. */
function suiteArguments(): string[] {
  const command = manifestOf('.').scripts?.['test'] ?? '';
  const [, given = ''] = command.split('&& mocha ');
  if (given === '') throw new Error(`the test script does not end in a mocha call: ${command}`);
  return given.split(' ').map((argument) => argument.replace(/^'(.*)'$/, '$1'));
}
