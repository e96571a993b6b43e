import { safely } from '@taskspan/core/hub';
import type { Classified, RunEnding, RunFacts } from '../base/facts.ts';
import { exported, type Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';

/** https://typescript.temporal.io/api/interfaces/activity.Info */
interface ActivityInfo {
  readonly activityId: string;
  readonly activityType: string;
  readonly attempt: number;
  readonly taskQueue: string;
  readonly isLocal?: boolean;
  readonly scheduledTimestampMs?: number;
  readonly workflowType?: string;
  readonly workflowExecution?: { readonly workflowId: string; readonly runId: string };
  /** Of activities that no workflow has started. */
  readonly activityRunId?: string;
  /** Only where the server tells it. */
  readonly retryPolicy?: { readonly maximumAttempts?: number; readonly nonRetryableErrorTypes?: readonly string[] };
}

interface ActivityContext {
  readonly info: ActivityInfo;
  readonly cancellationSignal?: AbortSignal;
  readonly cancellationDetails?: { readonly paused?: boolean; readonly reset?: boolean };
}

interface ExecuteInput {
  readonly headers?: Readonly<Record<string, { readonly data?: Uint8Array | null } | undefined>>;
}

type Next = (input: ExecuteInput) => Promise<unknown>;

interface WorkerOptions {
  readonly interceptors?: { readonly activity?: readonly unknown[] };
}

/** Where the library's own tracing interceptors put the caller's context. */
const TRACE_HEADER = '_tracer-data';

const TEMPORAL: Library = {
  name: 'temporal',
  patches: [
    {
      module: '@temporalio/worker',
      versions: '>=1.9 <2',
      hooks: [
        {
          form: 'around',
          on: (exports) => exported(exports, 'Worker'),
          method: 'create',
          around: (call, kit) => kit.call(withInterceptor(call, kit)),
        },
      ],
    },
  ],
};

/** Our interceptor is the outermost, so that what the others do is a part of the run. */
function withInterceptor(call: LibraryCall, kit: LibraryKit): LibraryCall {
  const [options, ...rest] = call.args as readonly [WorkerOptions | undefined, ...unknown[]];
  if (typeof options !== 'object' || options === null) return call;
  const { interceptors } = options;
  const activity = [(context: ActivityContext) => interceptorOf(context, kit), ...(interceptors?.activity ?? [])];
  return { ...call, args: [{ ...options, interceptors: { ...interceptors, activity } }, ...rest] };
}

function interceptorOf(context: ActivityContext, kit: LibraryKit): object {
  const execute = (input: ExecuteInput, next: Next): unknown =>
    kit.run({ original: next, self: undefined, args: [input] }, () => describeActivity(context, input, kit));
  return { inbound: { execute } };
}

function describeActivity(context: ActivityContext, input: ExecuteInput, kit: LibraryKit): RunFacts {
  const { info } = context;
  const { activityId, activityType, attempt, taskQueue, workflowExecution, workflowType, retryPolicy } = info;
  const runId = workflowExecution?.runId ?? info.activityRunId;
  // Activities are numbered within their workflow.
  const jobId = runId === undefined ? activityId : `${runId}.${activityId}`;
  const maxAttempts = retryPolicy?.maximumAttempts;
  return {
    operation: kit.names.choose(activityType, taskQueue),
    job: info,
    trigger: 'queue',
    queue: taskQueue,
    id: `${taskQueue}.${jobId}.${attempt}`,
    jobId,
    attempt,
    maxAttempts: maxAttempts !== undefined && maxAttempts > 0 ? maxAttempts : undefined,
    enqueuedAt: attempt === 1 ? info.scheduledTimestampMs : undefined,
    carrier: carrierOf(input),
    signal: context.cancellationSignal,
    attributes: {
      'temporal.workflow.id': workflowExecution?.workflowId,
      'temporal.workflow.run_id': workflowExecution?.runId,
      'temporal.workflow.type': workflowType,
      'temporal.activity.local': info.isLocal,
    },
    classify: (end) => classify(end, context),
  };
}

function carrierOf({ headers }: ExecuteInput): unknown {
  const data = headers?.[TRACE_HEADER]?.data;
  if (!(data instanceof Uint8Array)) return undefined;
  return safely('reading the trace header', () => JSON.parse(new TextDecoder().decode(data)) as unknown);
}

/** Errors are told by their names: an application may hold several copies of their classes. */
function classify(end: RunEnding, context: ActivityContext): Classified | undefined {
  if (!('error' in end)) return undefined;
  const { info, cancellationSignal } = context;
  const failure = (end.error ?? {}) as Failure;
  const { name, type, category } = failure;
  // It goes on elsewhere, and is completed by its token.
  if (name === 'CompleteAsyncError') return { status: 'deferred' };
  if (cancellationSignal?.aborted === true && (name === 'CancelledFailure' || name === 'AbortError')) {
    return classifyCancelled(context);
  }
  return {
    status: 'failure',
    errorType: name === 'ApplicationFailure' && typeof type === 'string' ? type : undefined,
    willRetry: willRetry(failure, info),
    attributes: category === 'BENIGN' ? { 'temporal.failure.category': category } : undefined,
  };
}

/** The reason of the signal is a CancelledFailure whose message says why. */
function classifyCancelled({ info, cancellationSignal, cancellationDetails }: ActivityContext): Classified {
  const { message } = (cancellationSignal?.reason ?? {}) as { readonly message?: unknown };
  if (message === 'TIMED_OUT') return { status: 'failure', errorType: 'timeout' };
  if (message === 'HEARTBEAT_DETAILS_CONVERSION_FAILED') return { status: 'failure', willRetry: willRetry({}, info) };
  const { paused, reset } = cancellationDetails ?? {};
  return paused === true || reset === true ? { status: 'deferred' } : { status: 'cancelled' };
}

interface Failure {
  readonly name?: string;
  readonly type?: string | null;
  readonly nonRetryable?: boolean | null;
  readonly category?: unknown;
}

/** Undefined where the server does not tell its policy. */
function willRetry(failure: Failure, { retryPolicy, attempt }: ActivityInfo): boolean | undefined {
  if (failure.nonRetryable === true) return false;
  if (retryPolicy === undefined) return undefined;
  const { maximumAttempts = 0, nonRetryableErrorTypes = [] } = retryPolicy;
  const type = failure.type ?? failure.name;
  if (type !== undefined && nonRetryableErrorTypes.includes(type)) return false;
  return maximumAttempts <= 0 || attempt < maximumAttempts;
}

/** Activities of Temporal workers. Workflows are replayed, in a sandbox of their own, and are left alone. */
export class TemporalInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return TEMPORAL;
  }
}
