import assert from 'node:assert/strict';
import { appendFileSync, renameSync, rmSync } from 'node:fs';
import { FolderWatch } from './folder-watch.ts';
import { DAY, TestTree } from './otlp-line.test.fixture.ts';

describe('FolderWatch', () => {
  let tree: TestTree;
  let watch: FolderWatch;

  beforeEach(() => {
    tree = new TestTree();
    watch = new FolderWatch();
  });

  afterEach(() => {
    watch.close();
    tree.remove();
  });

  /** Resolves with the next change of a file that somebody watches. */
  async function changes(file: string): Promise<{ next: () => Promise<void>; count: () => number; end: () => void }> {
    let count = 0;
    let tell: (() => void) | undefined;
    const end = await watch.add([tree.path(file)], () => {
      count += 1;
      tell?.();
    });
    assert.ok(end !== undefined);
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        tell = resolve;
      });
    return { next, count: () => count, end };
  }

  it('tells that a file is made, written, renamed, deleted', async () => {
    tree.write(`${DAY}/other.jsonl`, '');
    const { next } = await changes(`${DAY}/a.jsonl`);
    const steps = [
      () => tree.write(`${DAY}/a.jsonl`, 'one\n'),
      () => appendFileSync(tree.path(`${DAY}/a.jsonl`), 'two\n'),
      () => renameSync(tree.path(`${DAY}/a.jsonl`), tree.path(`${DAY}/b.jsonl`)),
      () => renameSync(tree.path(`${DAY}/b.jsonl`), tree.path(`${DAY}/a.jsonl`)),
      () => rmSync(tree.path(`${DAY}/a.jsonl`)),
    ];
    for (const step of steps) {
      const told = next();
      step();
      await told;
    }
  });

  it('tells nothing of other files, and nothing once it has ended', async () => {
    tree.write(`${DAY}/a.jsonl`, '');
    const first = await changes(`${DAY}/a.jsonl`);
    const second = await changes(`${DAY}/a.jsonl`);
    const other = await changes(`${DAY}/b.jsonl`);
    first.end();
    const told = second.next();
    appendFileSync(tree.path(`${DAY}/a.jsonl`), 'one\n');
    await told;
    assert.equal(first.count() + other.count(), 0);
    second.end();
    const again = other.next();
    appendFileSync(tree.path(`${DAY}/b.jsonl`), 'one\n');
    await again;
  });

  it('says when it cannot', async () => {
    assert.equal(await watch.add([tree.path('nowhere/a.jsonl')], () => assert.fail()), undefined);
  });

  it('tells everybody when it breaks off', async () => {
    tree.write(`${DAY}/a.jsonl`, '');
    const { next } = await changes(`${DAY}/a.jsonl`);
    const told = next();
    rmSync(tree.path(DAY), { recursive: true });
    await told;
  });
});
