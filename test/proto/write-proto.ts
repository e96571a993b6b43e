/** Writes the code of the proto: `npm run proto`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../house/source-tree.ts';
import { PROTO_CODE, protoCode } from './proto-code.ts';

const file = join(ROOT, PROTO_CODE);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, protoCode());
console.log(`${PROTO_CODE} written`);
