import assert from 'node:assert/strict';
import { FileTable } from './file-table.ts';

function tableOf(count: number): FileTable {
  const table = new FileTable();
  for (let n = 0; n < count; n += 1) {
    const file = table.add(`name-${n}-é.jsonl`);
    table.set(file, { size: n, mtimeMs: n + 0.5, readTo: n * 2 ** 33, isRestless: n % 10 === 0 });
  }
  return table;
}

describe('FileTable', () => {
  it('finds what was added, and nothing else', () => {
    const table = tableOf(1000);
    for (let n = 0; n < 1000; n += 1) assert.equal(table.find(`name-${n}-é.jsonl`), n);
    assert.equal(table.find('name-1000-é.jsonl'), undefined);
    assert.equal(new FileTable().find('a'), undefined);
    assert.equal(table.name(999), 'name-999-é.jsonl');
  });

  it('is read back as it was kept', () => {
    const table = tableOf(500);
    table.remove(7);
    const read = FileTable.decode(Buffer.from(table.encode()));
    assert.equal(read.count, 500);
    assert.equal(read.find('name-7-é.jsonl'), undefined);
    assert.equal(read.isGone(7), true);
    assert.deepEqual(read.facts(499), { size: 499, mtimeMs: 499.5, readTo: 499 * 2 ** 33, isRestless: false });
    assert.deepEqual([...read.restless], [...table.restless]);
    const file = read.add('one more');
    assert.equal(read.find('one more'), file);
  });

  it('gives a file another name, and forgets one that is gone', () => {
    const table = tableOf(20);
    const renamed = table.rename(10, 'packed.gz');
    assert.equal(table.find('name-10-é.jsonl'), undefined);
    assert.equal(table.find('packed.gz'), renamed);
    assert.equal(table.facts(renamed).size, 10);
    assert.deepEqual([...table.restless], [0, renamed]);
    table.remove(renamed);
    assert.equal(table.find('packed.gz'), undefined);
    const again = table.add('packed.gz');
    assert.notEqual(again, renamed);
    assert.equal(table.find('packed.gz'), again);
  });

  it('keeps a watched file until it is calm', () => {
    const table = tableOf(2);
    table.watch(1);
    assert.deepEqual([...table.restless], [0, 1]);
    table.calm(0);
    table.calm(1);
    assert.deepEqual([...table.restless], [0]);
  });
});
