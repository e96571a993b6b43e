import assert from 'node:assert/strict';
import { decodeLine, entryOf, parseEntryLine } from '@taskspan/joblog';
import { readProjectFile } from '../house/source-tree.ts';

const PAGE = readProjectFile('docs/joblog.md');

/** Lines of the block with this mark. */
function block(mark: string): readonly string[] {
  const [, text = ''] = new RegExp(`^\`\`\`jsonl ${mark}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(PAGE) ?? [];
  return text.split('\n').filter((line) => line !== '');
}

describe('docs/joblog.md', () => {
  it('shows printed lines that are entries, one of each kind', () => {
    const kinds = block('printed').map((line) => {
      const entry = parseEntryLine(line);
      assert.ok(entry, line);
      const { timeNanos: _, jobId: __, outputs: ___, sequenceNumber: ____, ...content } = entry;
      return Object.keys(content)[0];
    });
    assert.deepEqual(kinds, ['log', 'metric', 'event', 'manifest']);
  });

  it('shows lines of a file, and beside them the entries that they are', () => {
    const entries = block('file').flatMap((text) => {
      const line = decodeLine(text);
      assert.equal(line.error, undefined);
      return line.records.map(entryOf);
    });
    assert.ok(entries.length > 0);
    assert.deepEqual(
      block('entries').map((line): unknown => JSON.parse(line)),
      entries,
    );
  });
});
