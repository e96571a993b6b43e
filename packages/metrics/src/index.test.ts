import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UNCOVERED } from './typescript-worker.test.fixture.ts';

const SCRIPT = `
  const { createRequire } = await import('node:module');
  const metrics = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
  new metrics.TaskMetrics().bindWhenReady();
  metrics.taskSampler();
  metrics.taskViews();
  const server = new metrics.MetricsServer(async () => { throw new Error('not yet'); });
  await server.start({ port: 0 });
  await server.stop();
  const loaded = Object.keys(createRequire('/')('node:module')._cache).flatMap((path) => /@opentelemetry.([\\w-]+)/.exec(path)?.[1] ?? []);
  console.log(JSON.stringify([...new Set(loaded)].sort()));
`;

describe('the package', () => {
  it('loads no SDK until a span is sampled or a scrape comes', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', SCRIPT],
      { env: UNCOVERED },
    );
    const loaded: string[] = JSON.parse(stdout);
    assert.ok(loaded.includes('api'), stdout);
    assert.deepEqual(
      loaded.filter((name) => /sdk|exporter|resources/.test(name)),
      [],
    );
  }).timeout(20_000);
});
