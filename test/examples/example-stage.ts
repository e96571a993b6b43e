import assert from 'node:assert/strict';
import type { JaegerSpan } from '../e2e/harness/jaeger-query.ts';
import { JobLogTree } from '../e2e/harness/job-log-tree.ts';
import { PipelineServers } from '../e2e/harness/pipeline-servers.ts';
import { poll } from '../e2e/harness/poll.ts';
import { RedisServer } from '../e2e/harness/redis-server.ts';
import { assertWholeRuns } from '../e2e/harness/run-log.ts';
import { ScratchFolder } from '../e2e/harness/scratch-folder.ts';
import type { Watch } from './example-plays.ts';
import { killLeftExamples } from './example-process.ts';
import { bySlotOrId, distinct, type Seen } from './seen-runs.ts';
import { countOf, type Ends } from './told-runs.ts';

const FLAG: readonly string[] = ['--import', 'taskspan/register'];

/** How a watched example differs from the usual. */
export interface WatchOptions {
  /** Default: the flag that switches the toolkit on. */
  readonly flags?: readonly string[];
  /** After the name of each service. */
  readonly suffix?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Where examples are played and watched: Collector, Jaeger, Prometheus, and a Redis. */
export class ExampleStage {
  readonly servers: PipelineServers;
  readonly redis: RedisServer;
  readonly #scratch: ScratchFolder;

  private constructor(servers: PipelineServers, redis: RedisServer, scratch: ScratchFolder) {
    this.servers = servers;
    this.redis = redis;
    this.#scratch = scratch;
  }

  static async start(): Promise<ExampleStage> {
    const scratch = new ScratchFolder();
    const servers = await PipelineServers.start(scratch.folder('servers'));
    return new ExampleStage(servers, await RedisServer.start(), scratch);
  }

  async stop(): Promise<void> {
    killLeftExamples();
    await Promise.all([this.servers.stop(), this.redis.stop()]);
    this.#scratch.remove();
  }

  /** Flag and environment of what is watched. */
  watch({ flags = FLAG, suffix = '', env = {} }: WatchOptions = {}): Watch {
    return {
      flags,
      env: (service) => ({
        ...this.servers.appEnvironment,
        OTEL_SERVICE_NAME: `${service}${suffix}`,
        OTEL_EXPORTER_PROMETHEUS_PORT: '0',
        TASKSPAN_DIR: this.#scratch.folder('apps', `${service}${suffix}`),
        ...env,
      }),
    };
  }

  /**
   * The runs of a service, when files, Jaeger and Prometheus all know of those that the application has told of. What
   * the end of the process cut off it may not have told of.
   */
  async seenRuns(service: string, told: Ends): Promise<Seen> {
    return await poll(`the runs of ${service} in files, Jaeger and Prometheus`, async () => {
      const tree = new JobLogTree(this.servers.collector.logsFolder, service);
      const filed = Object.fromEntries([...tree.endings()].sort(([one], [other]) => (one < other ? -1 : 1)));
      assert.deepEqual(Object.fromEntries(Object.entries(filed).filter(([end]) => !/ cancelled$/.test(end))), told);
      const spans = await this.servers.jaeger.spans(service);
      const runs = spans.filter((span) => span.service === service && 'task.status' in span.tags).sort(bySlotOrId);
      assert.deepEqual(countOf(runs.map(({ name, tags }) => `${name} ${tags['task.status']}`)), filed);
      for (const metric of ['async_operations_total', 'async_operation_duration_seconds_count']) {
        const rows = await this.servers.prometheus.query(`${metric}{job="${service}"} != 0`);
        const counted = rows.map(({ labels, value }) => [`${labels['operation']} ${labels['status']}`, value] as const);
        assert.deepEqual(Object.fromEntries(counted), filed, metric);
      }
      assert.deepEqual(
        assertWholeRuns(tree),
        distinct(runs.map(({ tags }) => String(tags['task.id']))),
        'each run has an id and a file of its own',
      );
      assert.equal(distinct(runs.map(({ tags }) => String(tags['task.id']))).length, runs.length, 'no id twice');
      const lines = tree.files.flatMap(({ path, records }) =>
        records.flatMap(({ eventName, attributes, body }) => {
          if (eventName !== '' || attributes['task.id'] === undefined) return [];
          assert.equal(path, `${attributes['task.file']}.jsonl`);
          return [`${attributes['operation']}: ${body}`];
        }),
      );
      return { tree, runs, lines: countOf(lines) };
    });
  }

  /** Spans of a service by kind, such as `producer`. */
  async spansOf(service: string, kind: string): Promise<readonly JaegerSpan[]> {
    const spans = await this.servers.jaeger.spans(service);
    return spans.filter((span) => span.service === service && span.tags['span.kind'] === kind);
  }
}
