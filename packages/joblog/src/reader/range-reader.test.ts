import assert from 'node:assert/strict';
import { renameSync, truncateSync } from 'node:fs';
import { type LogFile, logFileAs } from './log-file.ts';
import { DAY, TestTree } from './otlp-line.test.fixture.ts';
import { RangeReader } from './range-reader.ts';

describe('RangeReader', () => {
  /** More than is read at once, or remembered of a packed file. */
  const text = Array.from({ length: 300_000 }, (_, n) => String(n)).join(' ');
  let tree: TestTree;
  let reader: RangeReader;

  beforeEach(() => {
    tree = new TestTree();
    reader = new RangeReader();
  });

  afterEach(async () => {
    await reader.close();
    tree.remove();
  });

  function file(compression: 'none' | 'gzip', name = 'a'): LogFile {
    return logFileAs({ folder: tree.folder, day: DAY, name }, compression);
  }

  async function read(of: LogFile, from: number, to: number): Promise<string> {
    return (await reader.read(of, from, to)).toString();
  }

  for (const compression of ['none', 'gzip'] as const) {
    it(`reads ranges forth and back of a file with compression ${compression}`, async () => {
      tree.write(`${DAY}/a.jsonl${compression === 'none' ? '' : '.gz'}`, text);
      for (const from of [0, 10, 700_000, 650_000, 1_500_000, 1_499_000, 5, 1_900_000]) {
        assert.equal(await read(file(compression), from, from + 300), text.slice(from, from + 300), String(from));
        await reader.rest();
      }
      assert.equal(await read(file(compression), text.length - 5, text.length + 100), text.slice(-5));
      assert.equal(await read(file(compression), text.length + 5, text.length + 100), '');
    });
  }

  it('reads what there is of a file that is shorter now, and nothing of one that is gone', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, 'one two');
    assert.equal(await read(file('none'), 4, 7), 'two');
    truncateSync(path, 5);
    assert.equal(await read(file('none'), 4, 7), 't');
    assert.equal(await read(file('none', 'b'), 0, 5), '');
  });

  it('finds a file again that was compressed', async () => {
    tree.write(`${DAY}/a.jsonl.gz`, 'one two');
    assert.equal(await read(file('none'), 4, 7), 'two');
    renameSync(tree.path(`${DAY}/a.jsonl.gz`), tree.path(`${DAY}/b.jsonl.gz`));
    assert.equal(await read(file('none', 'b'), 0, 3), 'one');
  });

  it('holds few files open', async () => {
    for (let n = 0; n < 50; n += 1) {
      tree.write(`${DAY}/f${n}.jsonl`, `text ${n}`);
      assert.equal(await read(file('none', `f${n}`), 5, 9), String(n));
    }
    assert.equal(await read(file('none', 'f0'), 5, 9), '0');
  });
});
