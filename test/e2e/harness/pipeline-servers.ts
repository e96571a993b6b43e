import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CollectorServer } from './collector-server.ts';
import type { JaegerQuery } from './jaeger-query.ts';
import { JaegerServer } from './jaeger-server.ts';
import type { PrometheusQuery } from './prometheus-query.ts';
import { PrometheusServer } from './prometheus-server.ts';

/** Collector, Jaeger and Prometheus, put together as the project's files say. */
export class PipelineServers {
  readonly collector: CollectorServer;
  readonly jaeger: JaegerQuery;
  readonly prometheus: PrometheusQuery;
  readonly #started: readonly { stop(): Promise<void> }[];

  private constructor(collector: CollectorServer, jaeger: JaegerServer, prometheus: PrometheusServer) {
    this.collector = collector;
    this.jaeger = jaeger.query;
    this.prometheus = prometheus.query;
    this.#started = [collector, jaeger, prometheus];
  }

  /** Starts all three; their data goes below `folder`. */
  static async start(folder: string): Promise<PipelineServers> {
    const within = (name: string): string => {
      const path = join(folder, name);
      mkdirSync(path);
      return path;
    };
    const jaeger = await JaegerServer.start();
    const collector = await CollectorServer.start(within('collector'), { jaegerEndpoint: jaeger.otlpEndpoint });
    const target = collector.exporterAddress;
    const prometheus = await PrometheusServer.start({ folder: within('prometheus'), target });
    return new PipelineServers(collector, jaeger, prometheus);
  }

  /** What makes an app send to the Collector and serve its numbers as well, and push them often. */
  get appEnvironment(): Readonly<Record<string, string>> {
    const metrics = { OTEL_METRICS_EXPORTER: 'prometheus,otlp', OTEL_METRIC_EXPORT_INTERVAL: '500' };
    return { ...this.collector.appEnvironment, ...metrics };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((server) => server.stop()));
  }
}
