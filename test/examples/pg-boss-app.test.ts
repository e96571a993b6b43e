import assert from 'node:assert/strict';
import { ExampleProcess } from './example-process.ts';

/** Nothing listens there. */
const DATABASE_URL = 'postgres://postgres@127.0.0.1:1/postgres';

describe('the example with pg-boss', () => {
  for (const file of ['src/set-up.js', 'src/web.js', 'src/worker.js']) {
    it(`says so when there is no PostgreSQL: ${file}`, async () => {
      const { code, stderr } = await new ExampleProcess({ example: 'pg-boss-app', file, env: { DATABASE_URL } }).ended;
      assert.equal(code, 1, stderr);
      assert.match(stderr, /connect ECONNREFUSED 127\.0\.0\.1:1/);
    });
  }
});
