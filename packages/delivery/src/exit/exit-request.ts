/** What the end of the process tells the thread that delivers at the last moment, and what it hears of it. */

export interface ExitRequest {
  /** With its path; requests to one URL go one after the other. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  /** Whether `bytes` are to be compressed. */
  readonly gzip: boolean;
  readonly certificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly clientCertificate: string | undefined;
}

export interface ExitThreadInput {
  readonly requests: readonly ExitRequest[];
  /** Shared: the places below, then one for each request. */
  readonly progress: Int32Array;
}

/** Places in the shared memory. `settled`: requests that have an answer; `stop`: nothing more may be begun. */
export const EXIT_SLOT = { ready: 0, settled: 1, stop: 2, first: 3 } as const;

/** What stands in a request's place; 0 before. */
export const EXIT_ANSWER = { delivered: 1, failed: 2 } as const;
