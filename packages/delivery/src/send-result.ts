/** What became of one request. */
export type SendResult =
  /** Taken, all but `rejected` items; `message` is what the receiver said about it. */
  | { readonly kind: 'delivered'; readonly rejected?: number; readonly message?: string }
  /**
   * Worth another try, at the earliest after `retryAfterMs`. `misconfigured`: only a person can mend it, so there is no
   * hurry. `suspect`: the fault may also be that of this request alone, which another one will tell.
   */
  | {
      readonly kind: 'retryable';
      readonly reason: string;
      readonly retryAfterMs?: number | undefined;
      readonly misconfigured?: boolean;
      readonly suspect?: boolean;
    }
  /** Worth another try in smaller parts. */
  | { readonly kind: 'too large'; readonly reason: string }
  /** The receiver will never take it. */
  | { readonly kind: 'refused'; readonly reason: string };

/** A failure that may pass. */
export type Failure = Extract<SendResult, { readonly kind: 'retryable' }>;

/** One request, encoded: it can be posted now, or kept on disk and posted by another process. */
export interface RequestBody {
  readonly bytes: Uint8Array;
  readonly format: 'json' | 'pb';
  /** Whether `bytes` are compressed. */
  readonly gzip: boolean;
  /** Spans, records or points in it. */
  readonly items: number;
}

/**
 * Posts one request; never rejects, and ends in bounded time.
 *
 * @param onAccepted called as soon as the receiver says that it took the request, before its answer is read
 */
export type Post = (body: RequestBody, onAccepted: () => void) => Promise<SendResult>;
