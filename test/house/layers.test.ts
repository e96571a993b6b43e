import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  findCycle,
  importsOf,
  importsOfTest,
  isBench,
  isCode,
  isTest,
  type Manifest,
  manifestOf,
  packageFolders,
  projectFiles,
  ROOT,
  readProjectFile,
  relativeTarget,
} from './source-tree.ts';

/** Which packages each package may import. A new package says here where it stands. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  instrumentations: ['core'],
  metrics: ['core'],
  joblog: ['core'],
  delivery: ['core'],
  server: ['core', 'joblog'],
  taskspan: ['core', 'instrumentations', 'metrics', 'joblog', 'delivery', 'server'],
};

const folders = packageFolders();
const names = new Map(folders.map((folder) => [manifestOf(`packages/${folder}`).name, folder]));
const sources = projectFiles().filter((file) => /^packages\/[^/]+\/src\//.test(file) && isCode(file));

describe('layers', () => {
  it('every package has a place in the table, and the table names no other', () => {
    assert.deepEqual([...folders].sort(), Object.keys(LAYERS).sort());
  });

  for (const folder of folders) {
    describe(folder, () => {
      const own = sources.filter((file) => file.startsWith(`packages/${folder}/src/`));

      it('imports only the packages below it, through their public entries', () => {
        assert.deepEqual(
          own.flatMap((file) => foreignImports(folder, file)),
          [],
        );
      });

      it('imports files of its own by their full name and nothing outside its src', () => {
        assert.deepEqual(
          own.flatMap((file) => strayImports(folder, file)),
          [],
        );
      });

      it('has no cycle between its files, type-only imports included', () => {
        const code = own.filter((file) => !isTest(file) && !isBench(file));
        const graph = new Map(
          code.map((file) => [
            file,
            importsOf(readProjectFile(file)).flatMap((specifier) => relativeTarget(file, specifier) ?? []),
          ]),
        );
        assert.equal(findCycle(graph)?.join(' -> '), undefined);
      });

      it('declares in package.json and tsconfig.json exactly what it may build on', () => {
        const manifest = manifestOf(`packages/${folder}`);
        const declared = internalDependencies(manifest);
        for (const name of declared) assert.ok(LAYERS[folder]?.includes(name), `${folder} depends on ${name}`);
        assert.deepEqual(projectReferences(folder).sort(), declared.sort());
      });

      it('takes the OpenTelemetry API from the application', () => {
        const manifest = manifestOf(`packages/${folder}`);
        assert.equal(manifest.peerDependencies?.['@opentelemetry/api'], '>=1.9.0 <1.11.0');
        assert.equal(manifest.dependencies?.['@opentelemetry/api'], undefined);
      });
    });
  }

  it('examples use public entries only', () => {
    const stray = projectFiles()
      .filter((file) => file.startsWith('examples/') && isCode(file))
      .flatMap((file) =>
        importsOf(readProjectFile(file))
          .filter((specifier) => isInternalName(specifier) && !isPublicEntry(specifier))
          .map((specifier) => `${file}: ${specifier}`),
      );
    assert.deepEqual(stray, []);
  });
});

describe('the import reader', () => {
  it('finds every form of import and skips comments', () => {
    const text = [
      "import './side-effect.ts';",
      "import type { A } from './types.ts';",
      'import {\n  b,\n  c,\n} from "./lines.ts";',
      "export { d } from './again.ts';",
      "export * as e from './star.ts';",
      "const f = await import('./later.ts');",
      "const g = require('./old.cjs');",
      "type H = import('./inline.ts').H;",
      "// import './comment.ts';",
      " * import { x } from './docs.ts';",
    ].join('\n');
    assert.deepEqual([...importsOf(text)].sort(), [
      './again.ts',
      './inline.ts',
      './later.ts',
      './lines.ts',
      './old.cjs',
      './side-effect.ts',
      './star.ts',
      './types.ts',
    ]);
  });

  it('leaves out the apps that a test writes', () => {
    const text = "import { a } from './a.ts';\nconst app = `\nimport { b } from './b.mjs';\n`;\n";
    assert.deepEqual(importsOfTest(text), ['./a.ts']);
  });

  it('finds a cycle of any length, and none where there is none', () => {
    const cyclic = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    assert.deepEqual(findCycle(cyclic), ['a', 'b', 'c', 'a']);
    assert.deepEqual(findCycle(new Map([['a', ['a']]])), ['a', 'a']);
    const diamond = new Map([
      ['a', ['b', 'c']],
      ['b', ['d']],
      ['c', ['d']],
    ]);
    assert.equal(findCycle(diamond), undefined);
  });
});

function importsIn(file: string): readonly string[] {
  return (isTest(file) ? importsOfTest : importsOf)(readProjectFile(file));
}

function foreignImports(folder: string, file: string): string[] {
  return importsIn(file)
    .filter(isInternalName)
    .filter((specifier) => {
      const target = names.get(packageName(specifier));
      // A bench measures what is built, which may be its own package.
      if (isBench(file) && target === folder) return !isPublicEntry(specifier);
      return target === undefined || !LAYERS[folder]?.includes(target) || !isPublicEntry(specifier);
    })
    .map((specifier) => `${file}: ${specifier}`);
}

function strayImports(folder: string, file: string): string[] {
  return importsIn(file)
    .filter((specifier) => {
      const target = relativeTarget(file, specifier);
      if (target === undefined) return false;
      // What a test writes into a temporary folder and imports from there is its own affair.
      if (isTest(file)) return /^packages\//.test(target) && !target.startsWith(`packages/${folder}/`);
      if (isBench(file) && target.startsWith('test/')) return !existsSync(join(ROOT, target));
      return !target.startsWith(`packages/${folder}/src/`) || !existsSync(join(ROOT, target));
    })
    .map((specifier) => `${file}: ${specifier}`);
}

function isInternalName(specifier: string): boolean {
  return /^(@taskspan\/|taskspan(\/|$))/.test(specifier);
}

function packageName(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

function isPublicEntry(specifier: string): boolean {
  const name = packageName(specifier);
  const folder = names.get(name);
  if (folder === undefined) return false;
  const entry = `.${specifier.slice(name.length)}`;
  const target = manifestOf(`packages/${folder}`).exports?.[entry];
  return target !== undefined && target !== null;
}

function internalDependencies(manifest: Manifest): string[] {
  return Object.keys(manifest.dependencies ?? {}).flatMap((name) => names.get(name) ?? []);
}

function projectReferences(folder: string): string[] {
  const text = readProjectFile(`packages/${folder}/tsconfig.json`).replace(/^\s*\/\/.*$/gm, '');
  const { references = [] } = JSON.parse(text) as { references?: { path: string }[] };
  return references.map((reference) => reference.path.replace(/^\.\.\//, ''));
}
