/**
 * How the official OTel instrumentations of the loggers must be configured beside these bridges, by the names that
 * `getNodeAutoInstrumentations(config)` uses: log sending would capture every line a second time, log correlation adds
 * fields to what the app prints.
 */
export const OFFICIAL_INSTRUMENTATIONS: Readonly<
  Record<string, { readonly disableLogSending?: true; readonly disableLogCorrelation: true }>
> = {
  '@opentelemetry/instrumentation-winston': { disableLogSending: true, disableLogCorrelation: true },
  '@opentelemetry/instrumentation-pino': { disableLogSending: true, disableLogCorrelation: true },
  // Not bridged here: its log sending is welcome.
  '@opentelemetry/instrumentation-bunyan': { disableLogCorrelation: true },
};
