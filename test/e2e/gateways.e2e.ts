/** Many hosts: an agent beside the applications, two gateways behind one name. What one gateway misses the other has. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AppProcess } from './harness/app-process.ts';
import type { JobLogTree } from './harness/job-log-tree.ts';
import { ManyHosts } from './harness/many-hosts.ts';
import { type OtlpAttribute, OtlpClient, otlpAttributes, otlpLog } from './harness/otlp-client.ts';
import { poll } from './harness/poll.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

/** Log lines of each run of the load; `task.started` and `task.ended` come with them. */
const LINES = 5;
const RECORDS = LINES + 2;

/** Traces are chosen soon, and of those without a reason none. */
const CHOICE = { COLLECTOR_DECISION_WAIT: '1s', COLLECTOR_SAMPLING_PERCENT: '0', COLLECTOR_SLOW_MS: '100' };

describe('an agent and two gateways', () => {
  let scratch: ScratchFolder;
  let hosts: ManyHosts;
  let app: AppProcess | undefined;
  beforeEach(async () => {
    scratch = new ScratchFolder();
    hosts = await ManyHosts.start(scratch, CHOICE);
  });
  afterEach(async () => {
    app?.kill('SIGKILL');
    app = undefined;
    await hosts?.stop();
    scratch.remove();
  });

  it('lose nothing when a gateway is killed under load and comes back', async () => {
    const [killed, other] = hosts.gateways;
    assert.ok(killed !== undefined && other !== undefined);
    app = startApp('load.mjs', ['1500', String(LINES), '300']);
    await poll('both taking turns', () => {
      for (const tree of hosts.trees) assert.ok(recordsOf(tree) > 0);
    });
    await killed.process.kill();
    await app.printed(/submitted [89]\d\d/);
    await killed.process.start();
    await app.printed(/^submitted all$/m);
    await poll('everything, in one tree or the other', () => {
      const { killed: one, other: two } = treesNow();
      assertMergedWhole([one, two], 1500);
    });
    const { killed: one, other: two } = treesNow();
    assert.deepEqual(two.broken, [], 'the files of the gateway that went on are whole');
    // At most the line that was being written when it was killed.
    assert.ok(one.broken.length <= 1, one.broken.join('\n'));
    await finish();
    const client = new OtlpClient(hosts.endpoint);
    await poll('a share of the one that came back', async () => {
      await post(client, { signal: 'logs', body: otlpLog('later', []) });
      assert.ok(recordsOf(treesNow().killed) > recordsOf(one));
    });
  });

  it('lose nothing when no gateway is there and the agent is killed', async () => {
    await Promise.all(hosts.gateways.map((gateway) => gateway.stop()));
    app = startApp('load.mjs', ['300', String(LINES), '300']);
    await app.printed(/^submitted all$/m);
    // It ends when the agent has all.
    await finish();
    await hosts.agent.kill();
    assert.deepEqual(
      hosts.trees.flatMap((tree) => tree.files),
      [],
    );
    await hosts.agent.start();
    await Promise.all(hosts.gateways.map((gateway) => gateway.process.start()));
    await poll('everything that was on the disk of the agent', () => assertMergedWhole(hosts.trees, 300), {
      timeoutMs: 60_000,
    });
  });

  it('give Jaeger every run that did not go well, and neither files nor metrics less of the others', async () => {
    app = startApp('every-end.mjs', ['2']);
    await app.printed(/^done$/m);
    await finish();
    const statuses = await poll('the choice in Jaeger', async () => {
      const spans = await hosts.jaeger.query.spans('e2e');
      const runs = spans.filter(({ tags }) => tags['task.status'] !== undefined);
      const found = new Map<string, number>();
      for (const { tags } of runs) {
        const status = String(tags['task.status']);
        found.set(status, (found.get(status) ?? 0) + 1);
      }
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'each once');
      assert.equal(found.get('failure'), 2);
      assert.equal(found.get('expired'), 2);
      assert.equal(found.get('cancelled'), 2);
      // The successful runs with their steps, which take 120 ms: slow, here.
      assert.deepEqual(
        runs
          .filter(({ tags }) => tags['task.status'] === 'success')
          .map(({ name }) => name)
          .sort(),
        ['dump_refs', 'dump_refs'],
      );
      return found;
    });
    assert.ok(!statuses.has('deferred'));
    const spans = hosts.trees.flatMap((tree) => tree.spans);
    const inFiles = new Map<string, number>();
    for (const { attributes } of spans) {
      if (attributes['operation'] === undefined) continue;
      const key = `${attributes['operation']} ${attributes['task.status']}`;
      inFiles.set(key, (inFiles.get(key) ?? 0) + 1);
    }
    assert.equal(inFiles.get('send_mail success'), 2);
    assert.equal(inFiles.get('render success'), 2);
    const metrics = await hosts.metrics();
    for (const [key, count] of inFiles) {
      const [operation = '', status = ''] = key.split(' ');
      assert.equal(metrics.sum('async_operations_total', { operation, status }), count, key);
    }
  });

  it('give Jaeger a failed run whose first spans were let go long before its end', async () => {
    const client = new OtlpClient(hosts.endpoint);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await post(client, spanOf({ traceId, spanId: '00f067aa0ba902b7', name: 'early step' }));
    await poll('the choice of its trace', async () => {
      const own = await hosts.agentMetrics();
      assert.equal(own.sum('otelcol_processor_tail_sampling_global_count_traces_sampled', { sampled: 'false' }), 1);
    });
    const attributes = otlpAttributes({ operation: 'long', 'task.id': 'long-1', 'task.status': 'failure' });
    await post(client, spanOf({ traceId, spanId: 'b7ad6b7169203331', name: 'long', attributes }));
    await poll('its task span in Jaeger', async () => {
      const spans = await hosts.jaeger.query.spans('raw');
      assert.deepEqual(
        spans.map(({ name }) => name),
        ['long'],
      );
    });
  });

  it('add up the steps of an application that pushes deltas', async () => {
    const client = new OtlpClient(hosts.endpoint);
    const begin = Date.now();
    for (const [step, value] of [3, 4].entries()) {
      await post(client, { signal: 'metrics', body: deltaOf(value, begin + step * 1000) });
    }
    await poll('the sum', async () => {
      const metrics = await hosts.metrics();
      assert.equal(metrics.sum('deliveries_total', { job: 'raw' }), 7);
    });
  });

  function startApp(name: string, args: readonly string[]): AppProcess {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: hosts.endpoint, TASKSPAN_FILES: 'off' };
    return new AppProcess({ app: name, args, folder: scratch.folder('app'), env });
  }

  async function finish(): Promise<void> {
    assert.ok(app !== undefined);
    const { code, stderr } = await app.finish();
    assert.equal(code, 0, stderr);
  }

  function treesNow(): { readonly killed: JobLogTree; readonly other: JobLogTree } {
    const [killed, other] = hosts.trees;
    assert.ok(killed !== undefined && other !== undefined);
    return { killed, other };
  }
});

/** Throws unless the trees together have each record of each run by run and `task.sequence`, and each run's span. */
function assertMergedWhole(trees: readonly JobLogTree[], runs: number): void {
  const merged = new Map<string, Set<number>>();
  for (const tree of trees) {
    for (const [run, numbers] of tree.sequences()) {
      merged.set(run, new Set([...(merged.get(run) ?? []), ...numbers]));
    }
  }
  assert.equal(merged.size, runs, 'runs');
  const incomplete = [...merged].filter(([, numbers]) => numbers.size !== RECORDS).map(([run]) => run);
  assert.deepEqual(incomplete, []);
  assert.equal(new Set(trees.flatMap((tree) => tree.spans.map(({ spanId }) => spanId))).size, runs, 'spans');
}

function recordsOf(tree: JobLogTree): number {
  return tree.records.length;
}

async function post(client: OtlpClient, request: Parameters<OtlpClient['post']>[0]): Promise<void> {
  const { status, text } = await client.post(request);
  assert.equal(status, 200, text);
}

const RAW = { attributes: otlpAttributes({ 'service.name': 'raw', 'service.instance.id': 'raw-1' }) };

interface SpanOptions {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly attributes?: readonly OtlpAttribute[];
}

function spanOf(span: SpanOptions): { readonly signal: 'traces'; readonly body: object } {
  const time = `${Date.now()}000000`;
  const spans = [{ kind: 1, startTimeUnixNano: time, endTimeUnixNano: time, ...span }];
  return {
    signal: 'traces',
    body: { resourceSpans: [{ resource: RAW, scopeSpans: [{ scope: { name: 'raw' }, spans }] }] },
  };
}

/** A counter that went up by `value` in the second before. */
function deltaOf(value: number, timeMs: number): object {
  const point = {
    startTimeUnixNano: `${timeMs - 1000}000000`,
    timeUnixNano: `${timeMs}000000`,
    asInt: String(value),
    attributes: [],
  };
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] };
  const metrics = [{ name: 'deliveries', description: 'Deliveries.', sum }];
  return { resourceMetrics: [{ resource: RAW, scopeMetrics: [{ scope: { name: 'raw' }, metrics }] }] };
}
