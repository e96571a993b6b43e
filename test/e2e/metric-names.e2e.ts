/** The names, labels and types of the table of metrics, whichever way they take. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { METRICS, type MetricSpec, metricName } from '@taskspan/metrics';
import { after, before, describe, it } from 'mocha';
import { AppProcess } from './harness/app-process.ts';
import { CollectorServer } from './harness/collector-server.ts';
import { OtlpReceiver } from './harness/otlp-receiver.ts';
import { poll } from './harness/poll.ts';
import type { PrometheusText } from './harness/prometheus-text.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';
import { serverBinaries } from './harness/server-binaries.ts';

const TYPES: Readonly<Record<MetricSpec['kind'], string>> = {
  histogram: 'histogram',
  'observable-counter': 'counter',
  'observable-gauge': 'gauge',
  'observable-up-down-counter': 'gauge',
};

/** What says which process it was, beside the labels of the table. */
const WHO: ReadonlySet<string> = new Set(['job', 'instance', 'le']);

/** What is known of a metric at its destination. */
interface SeenMetric {
  readonly type: string;
  /** Keys of the labels, sorted; those of all series together. */
  readonly labels: readonly string[];
}

describe('each metric of the table', () => {
  let scratch: ScratchFolder;
  let collector: CollectorServer;
  let app: AppProcess;
  before(async () => {
    scratch = new ScratchFolder();
    collector = await CollectorServer.start(scratch.folder('collector'));
    app = startApp('app', { ...collector.appEnvironment });
    await app.printed(/^done$/m);
  });
  after(async () => {
    await app?.finish();
    await collector?.stop();
    scratch.remove();
  });

  it('has its name, labels and type in the /metrics of the app', async () => {
    // Some say something only after the first push.
    await poll('the table', async () => assertTable(seenInText(await app.metrics())));
  });

  it('has them in the Prometheus exporter of the Collector', async () => {
    await poll('the table', async () => assertTable(seenInText(await collector.exportedMetrics())));
  });

  it('has them there without suffixes too', async () => {
    const plain = await CollectorServer.start(scratch.folder('plain'), {
      env: { COLLECTOR_METRIC_NAMES: 'UnderscoreEscapingWithoutSuffixes' },
    });
    const other = startApp('app of plain', { ...plain.appEnvironment });
    try {
      await poll('the table', async () => assertTable(seenInText(await plain.exportedMetrics())));
    } finally {
      await other.finish();
      await plain.stop();
    }
  });

  it('has them in OTLP, with its unit', async () => {
    const receiver = await OtlpReceiver.start();
    const other = startApp('app of receiver', { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
    try {
      await poll('the table', () => assertTable(receiver.metrics()));
      for (const { name, unit } of table()) assert.equal(receiver.metrics().get(name)?.unit, unit, name);
    } finally {
      await other.finish();
      await receiver.stop();
    }
  });

  it('has them with a namespace, everywhere', async () => {
    const other = startApp('app of namespace', { ...collector.appEnvironment, TASKSPAN_NAMESPACE: 'lakefs' });
    try {
      await other.printed(/^done$/m);
      await poll('the table', async () => assertTable(seenInText(await other.metrics()), 'lakefs'));
      await poll('the table', async () => assertTable(seenInText(await collector.exportedMetrics()), 'lakefs'));
    } finally {
      await other.finish();
    }
  });

  it('satisfies promtool, from the app and from the Collector', async () => {
    const { promtool } = await serverBinaries();
    for (const text of [await app.metricsText(), await collector.exportedMetricsText()]) {
      const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
      assert.deepEqual([status, stdout, stderr], [0, '', ''], text.slice(0, 3000));
    }
  });

  function startApp(name: string, env: Readonly<Record<string, string>>): AppProcess {
    const both = {
      OTEL_METRICS_EXPORTER: 'prometheus,otlp',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      COUNTED_FILES: '3',
    };
    return new AppProcess({ app: 'every-end.mjs', folder: scratch.folder(name), env: { ...both, ...env } });
  }
});

function table(namespace?: string): MetricSpec[] {
  return Object.values(METRICS).map((spec) => ({ ...spec, name: metricName(spec, namespace) }));
}

/** Throws unless all of the table is there as it says, and nothing else of ours. */
function assertTable(seen: ReadonlyMap<string, SeenMetric>, namespace?: string): void {
  const expected = table(namespace).map(({ name, kind, labels }) => [name, { type: TYPES[kind], labels: [...labels] }]);
  const ours = [...seen].filter(([name]) => expected.some(([other]) => other === name) || isOurs(name, namespace));
  const actual = ours.map(([name, { type, labels }]) => [name, { type, labels }]);
  assert.deepEqual(Object.fromEntries(actual), Object.fromEntries(expected));
}

function isOurs(name: string, namespace: string | undefined): boolean {
  return namespace === undefined ? /^(async|taskspan)_/.test(name) : name.startsWith(`${namespace}_`);
}

function seenInText(text: PrometheusText): Map<string, SeenMetric> {
  return new Map(
    [...text.types].map(([name, type]) => {
      const series = text.samples.filter(
        (sample) => sample.name.replace(/_(bucket|sum|count)$/, '') === name || sample.name === name,
      );
      const keys = new Set(series.flatMap(({ labels }) => Object.keys(labels)));
      return [name, { type, labels: [...keys].filter((key) => !WHO.has(key)).sort() }];
    }),
  );
}
