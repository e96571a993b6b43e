/** A process that spools, for tests that kill it: says each number as soon as it is on disk. */
import { writeSync } from 'node:fs';
import { itemOf, newSpool } from './spool.test.fixture.ts';

const [root = '', first = '0'] = process.argv.slice(2);
const spool = newSpool(root, { maxBytes: 64 * 1024 * 1024 });
for (let at = Number(first); ; at += 1) {
  await spool.put('spans', itemOf(at));
  writeSync(1, `${at}\n`);
}
