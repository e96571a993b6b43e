import assert from 'node:assert/strict';
import { isCode, manifestOf, projectFiles, readProjectFile } from '../house/source-tree.ts';

/** Examples of applications that were there before anybody thought of watching them. */
const EXAMPLES = ['bullmq-app', 'cron-app', 'nest-schedule-app', 'pg-boss-app'] as const;

describe('the examples of applications as they are', () => {
  for (const example of EXAMPLES) {
    it(`${example} neither imports nor needs anything of Taskspan or OpenTelemetry`, () => {
      const code = projectFiles().filter((file) => file.startsWith(`examples/${example}/`) && isCode(file));
      assert.notEqual(code.length, 0);
      assert.deepEqual(
        code.filter((file) => /taskspan|opentelemetry/i.test(readProjectFile(file))),
        [],
      );
      const { dependencies = {}, scripts = {}, private: isPrivate } = manifestOf(`examples/${example}`);
      assert.doesNotMatch(
        [...Object.keys(dependencies), ...Object.values(scripts)].join('\n'),
        /taskspan|opentelemetry/i,
      );
      assert.equal(isPrivate, true);
    });

    it(`${example} tells in the last section of its README alone how to watch it`, () => {
      const [before = '', ...sections] = readProjectFile(`examples/${example}/README.md`).split(
        '\n## See it with Taskspan\n',
      );
      assert.doesNotMatch(before, /taskspan|opentelemetry/i);
      assert.equal(sections.length, 1);
      assert.doesNotMatch(sections[0] ?? '', /^#/m);
      assert.match(sections[0] ?? '', /^node --import taskspan\/register /m);
    });
  }
});
