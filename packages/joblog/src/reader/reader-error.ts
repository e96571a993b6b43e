/** A parameter of a request that cannot be understood. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
  readonly code = 'bad_request';
  /** Name of the parameter, as in the request. */
  readonly parameter: string;

  /** @param value what was given, for the message */
  constructor(parameter: string, value: unknown, wanted: string) {
    super(`${parameter} must be ${wanted}, got ${shown(value)}`);
    this.parameter = parameter;
  }
}

/** There is no run of this id, or none that the reader may see. */
export class UnknownJobError extends Error {
  override readonly name = 'UnknownJobError';
  readonly code = 'unknown_job';
  readonly jobId: string;

  constructor(jobId: string) {
    super(`there is no job ${shown(jobId)}`);
    this.jobId = jobId;
  }
}

const SHOWN_CHARS = 100;

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
