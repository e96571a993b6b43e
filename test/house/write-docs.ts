/** Writes the generated parts of the docs: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restDocs } from '../../packages/server/src/rest-docs.ts';
import { configDocs } from '../../packages/taskspan/src/config-docs.ts';
import { docsTables, withTables } from './docs-tables.ts';
import { ROOT } from './source-tree.ts';

for (const page of new Set(docsTables().map((table) => table.page))) write(page, (text) => withTables(page, text));
write('docs/config.md', configDocs);
write('docs/rest.md', restDocs);

function write(page: string, next: (text: string) => string): void {
  const file = join(ROOT, page);
  const text = readFileSync(file, 'utf8');
  const written = next(text);
  if (written !== text) writeFileSync(file, written);
  console.log(`${page} ${written === text ? 'is up to date' : 'written'}`);
}
