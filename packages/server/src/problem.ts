export type ProblemCode =
  | 'bad_request'
  | 'unauthorized'
  | 'foreign_origin'
  | 'limited_token'
  | 'not_found'
  | 'unknown_job'
  | 'method_not_allowed'
  | 'misdirected'
  | 'busy'
  | 'headers_too_large'
  | 'internal';

interface ProblemSpec {
  readonly status: number;
  readonly title: string;
  /** One sentence for the docs. */
  readonly meaning: string;
}

/**
 * What can be wrong with a request, once. Answers are problem documents of RFC 9457; the OpenAPI document and the docs
 * are made from the table.
 */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemSpec>> = {
  bad_request: { status: 400, title: 'Bad request', meaning: 'A parameter, named in `parameter`, is not understood.' },
  unauthorized: {
    status: 401,
    title: 'Unauthorized',
    meaning: 'The server asks for a token, and this is none of its.',
  },
  foreign_origin: {
    status: 403,
    title: 'Forbidden',
    meaning: 'A web page of another origin asks: it must not read this.',
  },
  limited_token: {
    status: 403,
    title: 'Forbidden',
    meaning: 'The token is limited to one service, and this is about all of them.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    meaning: 'There is no such path; `/openapi.json` lists those that there are.',
  },
  unknown_job: {
    status: 404,
    title: 'Not found',
    meaning: 'There is no run of this id, or none that the token may see.',
  },
  method_not_allowed: { status: 405, title: 'Method not allowed', meaning: 'Everything here is read with GET.' },
  misdirected: {
    status: 421,
    title: 'Misdirected request',
    meaning: 'The `Host` of the request is not a name of this server.',
  },
  busy: {
    status: 429,
    title: 'Too many requests',
    meaning: 'Too much is asked for at once; `Retry-After` says when to come again.',
  },
  headers_too_large: {
    status: 431,
    title: 'Request header fields too large',
    meaning: 'Line and headers are too long.',
  },
  internal: { status: 500, title: 'Internal server error', meaning: 'The server failed; its own output says how.' },
};

export const PROBLEM_TYPE = 'application/problem+json';

/** The body of an answer that is a refusal. */
export interface ProblemDocument {
  /** `urn:taskspan:problem:<code>` */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  /** Of `bad_request`: the parameter. */
  readonly parameter?: string;
}

/** Ends a request with a problem document. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly code: ProblemCode;
  readonly parameter: string | undefined;

  /**
   * @param detail what is wrong with this very request
   * @param parameter its parameter, for `bad_request`
   */
  constructor(code: ProblemCode, detail: string, parameter?: string) {
    super(detail);
    this.code = code;
    this.parameter = parameter;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  document(): ProblemDocument {
    const { status, title } = PROBLEMS[this.code];
    return {
      type: `urn:taskspan:problem:${this.code.replaceAll('_', '-')}`,
      title,
      status,
      detail: this.message,
      code: this.code,
      ...(this.parameter === undefined ? {} : { parameter: this.parameter }),
    };
  }
}

/** Parameters of the reader that have another name here. */
const NAME_HERE: Readonly<Record<string, string>> = {
  job_run_id: 'id',
  since_timestamp: 'since',
  min_level: 'level',
  needle: 'q',
  query: 'q',
};

/**
 * What an error means to a client. What the reader throws is told by its `code`, so that it may come from any copy of
 * the reader.
 *
 * @returns undefined for an error that is no fault of the request
 */
export function problemOf(error: unknown): HttpProblem | undefined {
  if (error instanceof HttpProblem) return error;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (error.code === 'unknown_job') return new HttpProblem('unknown_job', error.message);
  if (error.code !== 'bad_request') return undefined;
  const given = 'parameter' in error ? String(error.parameter) : undefined;
  const parameter = given === undefined ? undefined : (NAME_HERE[given] ?? given);
  const detail =
    given === undefined || parameter === undefined ? error.message : error.message.replace(given, parameter);
  return new HttpProblem('bad_request', detail, parameter);
}
