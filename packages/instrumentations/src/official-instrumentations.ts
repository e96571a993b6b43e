/**
 * How long a message of RabbitMQ may be worked on before its span ends without it, in milliseconds. RabbitMQ itself closes a
 * channel after this time (`consumer_timeout`); the official minute would make a failure of every longer job.
 */
export const CONSUME_TIMEOUT_MS: number = 30 * 60_000;

/**
 * How the official OTel instrumentations must be configured beside these, by the names that
 * `getNodeAutoInstrumentations(config)` uses: log sending would capture every line a second time, log correlation adds
 * fields to what the app prints.
 */
export const OFFICIAL_INSTRUMENTATIONS: Readonly<Record<string, Readonly<Record<string, boolean | number>>>> = {
  '@opentelemetry/instrumentation-winston': { disableLogSending: true, disableLogCorrelation: true },
  '@opentelemetry/instrumentation-pino': { disableLogSending: true, disableLogCorrelation: true },
  // Not bridged here: its log sending is welcome.
  '@opentelemetry/instrumentation-bunyan': { disableLogCorrelation: true },
  '@opentelemetry/instrumentation-amqplib': { consumeTimeoutMs: CONSUME_TIMEOUT_MS },
};
