import { JobTree } from './job-tree.ts';
import { READER_RULES } from './reader-rules.ts';

describe('what readers of job logs can rely on', () => {
  let tree: JobTree;
  beforeEach(() => {
    tree = new JobTree();
  });
  afterEach(() => tree.remove());

  for (const { name, check } of READER_RULES) {
    it(`${name}`, async () => await check(tree));
  }
});
