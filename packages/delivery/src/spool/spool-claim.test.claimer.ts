/** A process that waits for a line, takes over what dead processes have left, and says what it found. */
import { once } from 'node:events';
import { unpackBody } from './packed-body.ts';
import { newSpool, nonce } from './spool.test.fixture.ts';
import { SpoolClaim } from './spool-claim.ts';

const [root = ''] = process.argv.slice(2);
const spool = newSpool(root, { maxBytes: 64 * 1024 * 1024 });
const claim = new SpoolClaim({ spool, root, nonce });
process.stdout.write('ready\n');
await once(process.stdin, 'data');
await claim.scan();
const texts: string[] = [];
for (const entry of [...spool.lanes('spans').backlog.entries]) {
  const body = await spool.read(entry);
  if (typeof body === 'object') texts.push(String((await unpackBody(body)).bytes));
  spool.remove(entry);
}
process.stdout.write(`${JSON.stringify(texts)}\n`);
process.exit();
