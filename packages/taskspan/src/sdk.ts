/** `taskspan/sdk`: the pieces for an OpenTelemetry SDK that the application starts itself. */
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { closeOpenRuns, RunStampLogProcessor, RunStampSpanProcessor, reportOnce, state } from '@taskspan/core/hub';
import { JobLogWriter } from '@taskspan/joblog/writer';
import { TaskMetrics } from '@taskspan/metrics';
import { type Config, type ConfigOptions, describeWarning, readConfig } from './config.ts';
import { installExitHandlers } from './exit.ts';
import { FileLogProcessor, FileSpanProcessor } from './file-processors.ts';
import { findProcessPlace } from './process-place.ts';

export { type TaskViewsOptions, taskSampler, taskViews } from '@taskspan/metrics';

export interface TaskProcessorsOptions extends ConfigOptions {
  /** Span processors of the application, exporters included: those of `NodeSDK` are one list. */
  readonly spanProcessors?: readonly SpanProcessor[] | undefined;
  /** Log record processors of the application. */
  readonly logRecordProcessors?: readonly LogRecordProcessor[] | undefined;
}

/** Spread into the configuration of `NodeSDK`. */
export interface TaskProcessors {
  readonly spanProcessors: SpanProcessor[];
  readonly logRecordProcessors: LogRecordProcessor[];
}

/**
 * The processors that count tasks, lead spans and records back to their run, and write the files, followed by the
 * application's own. Give that SDK the views and the sampler too:
 * `new NodeSDK({ ...taskProcessors({ spanProcessors: [mine] }), views: taskViews(), sampler: taskSampler(mine) })`.
 *
 * The metrics appear on the global meter provider as soon as there is one. Exit handlers are installed, so that files
 * are complete however the process ends.
 */
export function taskProcessors(options: TaskProcessorsOptions = {}): TaskProcessors {
  const config = readConfig(process.env, options);
  for (const warning of config.warnings) reportOnce(`config.${warning.key}`, describeWarning(warning));
  const { spanProcessors = [], logRecordProcessors = [] } = options;
  if (config.disabled) return { spanProcessors: [...spanProcessors], logRecordProcessors: [...logRecordProcessors] };
  const metrics = new TaskMetrics({ namespace: config.namespace, ignoreScopes: config.ignoreScopes });
  metrics.bindWhenReady();
  state.runObservers.push(metrics);
  const writer = createWriter(config);
  installExitHandlers({
    flushAsync: async () => {
      await Promise.all([writer?.forceFlush(), ...spanProcessors.map((one) => one.forceFlush())]);
      await Promise.all(logRecordProcessors.map((one) => one.forceFlush()));
    },
    flushSync: () => writer?.flushSync(),
    closeOpenRuns,
  });
  return {
    spanProcessors: [
      metrics,
      new RunStampSpanProcessor(),
      ...(writer === undefined ? [] : [new FileSpanProcessor(writer)]),
      ...spanProcessors,
    ],
    logRecordProcessors: [
      new RunStampLogProcessor(),
      ...(writer === undefined ? [] : [new FileLogProcessor(writer)]),
      ...logRecordProcessors,
    ],
  };
}

function createWriter(config: Config): JobLogWriter | undefined {
  if (!config.files) return undefined;
  const { attributes, instanceId, logsFolder } = findProcessPlace(config);
  if (logsFolder === undefined) return undefined;
  const writer = new JobLogWriter({
    directory: logsFolder,
    resource: { attributes },
    instanceId,
    runFilesPerHour: config.runFilesPerHour,
  });
  state.fileNamer = (id, startTimeMs) => writer.fileNamer(id, startTimeMs);
  state.logRoom = () => writer.room();
  return writer;
}
