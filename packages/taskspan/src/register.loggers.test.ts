/** The lines of an app's own loggers: in the log of their run, and printed as ever. */
import assert from 'node:assert/strict';
import type { DecodedRecord } from '@taskspan/joblog';
import { after, before, describe, it } from 'mocha';
import { AppFolder, readJobLogs } from './app-folder.test.fixture.ts';

/** Loggers made before and after the first task and in other modules; lines inside and outside of runs. */
const WINSTON = `
const fixed = winston.format.combine(winston.format.json());
const make = (name) => winston.createLogger({ defaultMeta: { name }, format: fixed, transports: [new winston.transports.Console()] });
const early = make('early');
early.info('outside before');
async function main() {
  await runTask('job', async () => {
    early.info('from early', { n: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2));
    const late = make('late');
    late.warn('from late');
    late.child({ c: 1 }).error(new RangeError('from child').message);
    late.debug('below the level');
  }, { id: 'run', logger: early });
  early.info('outside after');
}
main();
`;

/** One destination for all: two of them write to a pipe in an order that changes, also without us. */
const PINO = `
const stdout = pino.destination(1);
const early = pino({ base: null, timestamp: false }, stdout);
early.info('outside before');
async function main() {
  await runTask('job', async () => {
    early.info({ n: 1 }, 'from early');
    await new Promise((resolve) => setTimeout(resolve, 2));
    const late = pino({ base: null, timestamp: false }, stdout);
    late.warn('from late');
    late.child({ c: 1 }).error('from child');
    late.debug('below the level');
  }, { id: 'run', logger: early });
  early.info('outside after');
}
main();
`;

const CONSOLE = `
console.log('outside before');
async function main() {
  await runTask('job', async () => {
    console.log('from %s', 'early', { n: 1 });
    console.warn('from late');
    console.error('from child');
  }, { id: 'run' });
  console.log('outside after');
}
main();
`;

const esm = (name: string, source: string): string =>
  `import { runTask } from 'taskspan';\n${name === '' ? '' : `import ${name} from '${name}';\n`}${source}`;
const cjs = (name: string, source: string): string =>
  `const { runTask } = require('taskspan');\n${name === '' ? '' : `const ${name} = require('${name}');\n`}${source}`;

describe('loggers under taskspan/register', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  const APPS: Readonly<Record<string, { source: string; env?: Record<string, string> }>> = {
    'winston in an ES module': { source: esm('winston', WINSTON) },
    'winston in a CommonJS module': { source: cjs('winston', WINSTON) },
    'pino in an ES module': { source: esm('pino', PINO) },
    'pino in a CommonJS module': { source: cjs('pino', PINO) },
    'console, when asked': { source: esm('', CONSOLE), env: { TASKSPAN_CONSOLE: 'on' } },
  };

  for (const [name, { source, env = {} }] of Object.entries(APPS)) {
    it(`${name}: lines in the run's file with its ids, once, and printed as without the hook`, async () => {
      const data = app.ownData();
      const [hooked, plain] = await Promise.all([
        app.run(source, { env: { ...data, ...env } }),
        app.run(source, { nodeArgs: [] }),
      ]);
      assert.equal(hooked.code, 0);
      // The logger option gets the duration, which is never the same.
      const printed = (text: string): string => text.replaceAll(/"duration_seconds":[\d.e-]+/g, '"duration_seconds":0');
      assert.equal(printed(hooked.stdout), printed(plain.stdout));
      assert.equal(hooked.stderr, plain.stderr);
      assert.match(hooked.stdout, /outside before.*early.*outside after/s);
      const logs = readJobLogs(data.TASKSPAN_DIR);
      const run = logs.get('run');
      const order = (record: DecodedRecord): number => Number(record.attributes['task.sequence']);
      const records = [...(run?.records ?? [])].sort((one, other) => order(one) - order(other));
      assert.deepEqual(records.map(order), [1, 2, 3, 4, 5]);
      assert.deepEqual(
        records.map((record) => record.eventName || record.body),
        [
          'task.started',
          name.startsWith('console') ? 'from early { n: 1 }' : 'from early',
          'from late',
          'from child',
          'task.ended',
        ],
      );
      const [span] = run?.spans ?? [];
      for (const record of records) {
        assert.equal(record.attributes['task.id'], 'run');
        assert.equal(record.attributes['operation'], 'job');
        assert.equal(record.attributes['task.run'], span?.spanId);
        assert.deepEqual([record.traceId, record.spanId], [span?.traceId, span?.spanId]);
      }
      assert.deepEqual(records.map((record) => record.severityNumber).slice(1, 4), [9, 13, 17]);
      const others = [...logs].filter(([file]) => file !== 'run').flatMap(([, log]) => log.records);
      assert.equal(others.filter(({ body }) => String(body).startsWith('from')).length, 0);
      assert.ok(others.filter(({ body }) => body === 'outside before').length <= 1);
    });
  }

  it('console stays alone when nobody asks', async () => {
    const data = app.ownData();
    await app.run(esm('', CONSOLE), { env: data });
    const run = readJobLogs(data.TASKSPAN_DIR).get('run');
    assert.deepEqual(
      run?.records.map((record) => record.eventName),
      ['task.started', 'task.ended'],
    );
  });
});
