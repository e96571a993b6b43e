/** Writes the generated parts of the docs: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { docsTables, withTables } from './docs-tables.ts';
import { ROOT } from './source-tree.ts';

for (const page of new Set(docsTables().map((table) => table.page))) {
  const file = join(ROOT, page);
  const text = readFileSync(file, 'utf8');
  const next = withTables(page, text);
  if (next !== text) writeFileSync(file, next);
  console.log(`${page} ${next === text ? 'is up to date' : 'written'}`);
}
