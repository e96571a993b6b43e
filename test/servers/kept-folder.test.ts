import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FolderRecipe, keptFolder } from './kept-folder.ts';

describe('a kept folder', () => {
  let within: string;
  let made: number;

  beforeEach(() => {
    within = mkdtempSync(join(tmpdir(), 'taskspan-kept-'));
    made = 0;
  });

  afterEach(() => {
    rmSync(within, { recursive: true, force: true });
  });

  /** A recipe whose result says how often any of its kind was made. */
  const recipe = (from: readonly unknown[]): FolderRecipe => ({
    name: 'server',
    from,
    programs: { program: ['version'] },
    make: async (result, scratch) => {
      made += 1;
      writeFileSync(join(scratch, 'source'), 'left behind');
      await Promise.resolve();
      writeFileSync(join(result, 'program'), programOf(made), { mode: 0o755 });
    },
  });

  /** A program that answers `version`, and nothing else. */
  const programOf = (nth: number): string => `#!/bin/sh\n# ${nth}\ntest "$1" = version\n`;

  it('is made once, and holds the result alone', async () => {
    const first = await keptFolder(within, recipe(['1.0.0']));
    const second = await keptFolder(within, recipe(['1.0.0']));
    assert.equal(second, first);
    assert.deepEqual(readdirSync(first), ['program']);
    assert.equal(readFileSync(join(second, 'program'), 'utf8'), programOf(1));
    assert.equal(readdirSync(within).length, 1);
  });

  it('is another one for another version', async () => {
    assert.notEqual(await keptFolder(within, recipe(['1.0.0'])), await keptFolder(within, recipe(['1.0.1'])));
    assert.equal(made, 2);
  });

  it('is whole when two make it at once, and one of them stays', async () => {
    const [first, second] = await Promise.all([
      keptFolder(within, recipe(['1.0.0'])),
      keptFolder(within, recipe(['1.0.0'])),
    ]);
    assert.equal(first, second);
    assert.deepEqual(readdirSync(first), ['program']);
    assert.equal(readdirSync(within).length, 1);
  });

  it('is not left behind in part when making it fails, and is made at the next call', async () => {
    const failing = {
      ...recipe(['1.0.0']),
      make: (result: string): Promise<void> => {
        writeFileSync(join(result, 'program'), 'half');
        return Promise.reject(new Error('no compiler'));
      },
    };
    await assert.rejects(keptFolder(within, failing), /no compiler/);
    assert.deepEqual(readdirSync(within), []);
    assert.equal(readFileSync(join(await keptFolder(within, recipe(['1.0.0'])), 'program'), 'utf8'), programOf(1));
  });

  const damages: Readonly<Record<string, (folder: string) => void>> = {
    'is empty': (folder) => rmSync(join(folder, 'program')),
    'holds other things': (folder) => {
      rmSync(join(folder, 'program'));
      writeFileSync(join(folder, 'garbage'), 'garbage');
    },
    'is a file': (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, 'garbage');
    },
    'has a program that is not executable': (folder) => chmodSync(join(folder, 'program'), 0o644),
    'has a program that does not answer': (folder) => writeFileSync(join(folder, 'program'), '#!/bin/sh\nexit 3\n'),
    'has a program that is none': (folder) => writeFileSync(join(folder, 'program'), '\x7fELF and garbage'),
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`that ${what} is made again, by one of two at once too`, async () => {
      const folder = await keptFolder(within, recipe(['1.0.0']));
      damage(folder);
      const both = await Promise.all([keptFolder(within, recipe(['1.0.0'])), keptFolder(within, recipe(['1.0.0']))]);
      assert.deepEqual(both, [folder, folder]);
      assert.deepEqual(readdirSync(folder), ['program']);
      assert.equal(readdirSync(within).length, 1);
      const before = made;
      await keptFolder(within, recipe(['1.0.0']));
      assert.equal(made, before);
    });
  }

  it('that does not run when it is made is an error, and not kept', async () => {
    const failing = { ...recipe(['1.0.0']), programs: { program: ['--version'] } };
    await assert.rejects(keptFolder(within, failing), /Command failed: .*program --version/);
    assert.deepEqual(readdirSync(within), []);
  });
});
