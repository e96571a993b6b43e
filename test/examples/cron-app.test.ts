import assert from 'node:assert/strict';
import { type ExampleEnd, ExampleProcess } from './example-process.ts';

const LIBRARIES = ['cron', 'node-cron', 'croner'] as const;

describe('the example of scheduled jobs', () => {
  const apps = new Map<string, ExampleProcess>();
  before(() => {
    // All at once, as each needs some seconds of the clock and nothing else.
    for (const library of LIBRARIES) {
      apps.set(library, new ExampleProcess({ example: 'cron-app', file: 'src/main.js', args: [library] }));
    }
  });
  after(() => Promise.all([...apps.values()].map((app) => app.stop())));

  for (const library of LIBRARIES) {
    describe(`with ${library}`, () => {
      let end: ExampleEnd;
      let runs: readonly string[];
      before(async () => {
        const app = apps.get(library);
        assert.ok(app);
        await app.printed(/6 prices so far/, /451 try again later/, /rebuild-index: done[\s\S]*rebuild-index: started/);
        end = await app.end();
        runs = end.stdout.split('\n').filter((line) => line.startsWith('rebuild-index'));
      });

      it('goes on after a job that failed, and ends in order when asked', () => {
        assert.match(end.stdout, new RegExp(`^jobs scheduled with ${library}, until Ctrl-C$`, 'm'));
        assert.match(end.stderr, /the mail server said 451 try again later/);
        assert.deepEqual([end.code, end.signal], [0, null]);
      });

      it('never runs a job twice at a time', () => {
        assert.deepEqual(
          runs.map((line) => line.split(': ')[1]),
          runs.map((_, at) => (at % 2 === 0 ? 'started' : 'done')),
        );
      });

      it('lets the job that ran come to its end, and starts no other', () => {
        const rest = end.stdout.split('\nstopping\n')[1] ?? '';
        assert.doesNotMatch(rest, /started|sending/);
        assert.match(runs.at(-1) ?? '', /done/);
      });
    });
  }

  it('explains itself when the library is not one of these', async () => {
    const { code, stderr } = await new ExampleProcess({
      example: 'cron-app',
      file: 'src/main.js',
      args: ['bree'],
    }).ended;
    assert.equal(code, 2);
    assert.match(stderr, /usage: node src\/main\.js \[cron \| node-cron \| croner\]/);
  });
});
