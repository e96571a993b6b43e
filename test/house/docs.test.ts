import assert from 'node:assert/strict';
import { parseDocument } from 'yaml';
import { restDocs } from '../../packages/server/src/rest-docs.ts';
import { configDocs } from '../../packages/taskspan/src/config-docs.ts';
import { CONFIG } from '../../packages/taskspan/src/config-table.ts';
import { docsTables, withTables } from './docs-tables.ts';
import { manifestOf, projectFiles, readProjectFile } from './source-tree.ts';

const pages = projectFiles().filter((file) => file.endsWith('.md'));
const tables = docsTables();

describe('docs', () => {
  for (const { page, mark, keys } of tables) {
    it(`${page} lists every row of the table of ${mark}, and no other`, () => {
      const text = readProjectFile(page);
      const part = text.slice(text.indexOf(`<!-- table: ${mark} -->`)).split('<!-- end of table -->')[0] ?? '';
      const listed = [...part.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
      assert.deepEqual(listed, keys);
    });
  }

  for (const page of new Set(tables.map((table) => table.page))) {
    it(`${page} says what the code says (npm run docs writes it)`, () => {
      assert.equal(readProjectFile(page), withTables(page, readProjectFile(page)));
    });
  }

  it('docs/config.md lists every row of the table of settings, and no other', () => {
    const rows = [...readProjectFile('docs/config.md').matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]);
    assert.deepEqual([...rows].sort(), CONFIG.map((entry) => entry.key).sort());
    assert.equal(readProjectFile('docs/config.md'), configDocs());
  });

  it('docs/rest.md is what the OpenAPI document says', () => {
    assert.equal(readProjectFile('docs/rest.md'), restDocs());
  });

  it('mention no attribute or metric of ours that is not in a table', () => {
    const known = new Set(tables.flatMap((table) => table.keys));
    const strays = pages.flatMap((page) =>
      [...readProjectFile(page).matchAll(/`(async_operations?_\w+|taskspan_\w+_total)(?:\{[^`]*\})?`/g)]
        .map((match) => match[1] ?? '')
        .filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, '')))
        .map((name) => `${page}: ${name}`),
    );
    assert.deepEqual(strays, []);
  });

  it('name only settings that exist', () => {
    const configs = projectFiles().filter((file) => /\.ya?ml$/.test(file));
    const ours = CONFIG.flatMap(({ key, aliases = [] }) => [key, ...aliases]);
    const theirs = configs.flatMap((file) =>
      [...readProjectFile(file).matchAll(/\$\{env:(\w+)|^\s*(TASKSPAN_\w+):/gm)].map((match) => match[1] ?? match[2]),
    );
    // Those of the tests.
    const tests = ['TASKSPAN_CI_CACHE', 'TASKSPAN_LANES', 'TASKSPAN_TOOLKIT'];
    // What orchestrators tell a run, and a run its children.
    const told = ['TASKSPAN_RUN_ID', 'TASKSPAN_TASK_ID', 'TASKSPAN_TASK_RUN'];
    const known = new Set([...ours, ...theirs, ...tests, ...told]);
    const strays = pages.flatMap((page) =>
      [...readProjectFile(page).matchAll(/\b(?:TASKSPAN|COLLECTOR|JAEGER)_[A-Z0-9_]*[A-Z0-9]\b/g)]
        .map((match) => match[0])
        .filter((name) => !known.has(name))
        .map((name) => `${page}: ${name}`),
    );
    assert.deepEqual(strays, []);
  });

  it('show only YAML that can be read', () => {
    const broken = pages.flatMap((page) =>
      [...readProjectFile(page).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].flatMap((match) =>
        parseDocument(match[1] ?? '').errors.map((error) => `${page}: ${error.message}`),
      ),
    );
    assert.deepEqual(broken, []);
  });

  it('name only scripts that exist', () => {
    const { scripts = {} } = manifestOf('.');
    const missing = pages.flatMap((page) =>
      [...readProjectFile(page).matchAll(/\bnpm run (?:--silent |-s )?([\w:-]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((script) => scripts[script] === undefined)
        .map((script) => `${page}: npm run ${script}`),
    );
    assert.deepEqual(missing, []);
  });
});

describe('links', () => {
  for (const page of pages) {
    it(`of ${page} lead to files and headings that exist`, () => {
      assert.deepEqual(brokenLinks(page), []);
    });
  }

  it('are checked: a missing file and a missing heading are found', () => {
    const text = '[a](nowhere.md) [b](README.md#no-such-heading) [c](https://example.org/x) `[d](code.md)`';
    assert.deepEqual(brokenLinksIn('CONTRIBUTING.md', text), ['nowhere.md', 'README.md#no-such-heading']);
  });
});

function brokenLinks(page: string): string[] {
  return brokenLinksIn(page, readProjectFile(page));
}

function brokenLinksIn(page: string, text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^(https?|mailto):/.test(link) && !leadsSomewhere(page, link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : new URL(path, `file:///${page}`).pathname.slice(1).replace(/\/$/, '');
  const files = projectFiles();
  if (!files.includes(target)) return anchor === undefined && files.some((file) => file.startsWith(`${target}/`));
  return anchor === undefined || headingAnchors(readProjectFile(target)).includes(anchor);
}

/** Anchors as repository hosts make them from headings. */
function headingAnchors(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '');
  const seen = new Map<string, number>();
  return [...prose.matchAll(/^#{1,6} +(.+?)\s*$/gm)].map((match) => {
    const slug = (match[1] ?? '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}
