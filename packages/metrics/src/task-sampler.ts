import { createRequire } from 'node:module';
import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Link,
  SpanKind,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { Sampler, SamplingDecision, SamplingResult } from '@opentelemetry/sdk-trace-base';
import { ATTR } from '@taskspan/core';
import { reportOnce, state } from '@taskspan/core/hub';
import { isBatchReceipt, isConsumerRun } from './consumer-span.ts';

// The values of SamplingDecision, which is an enum of the SDK that is loaded only when needed.
const NOT_RECORD = 0 as SamplingDecision.NOT_RECORD;
const RECORD = 1 as SamplingDecision.RECORD;
const RECORD_AND_SAMPLED = 2 as SamplingDecision.RECORD_AND_SAMPLED;

/**
 * A sampler that leaves every decision to `delegate`, but has task spans, steps, messages and their batches recorded where
 * the delegate would drop them: recorded spans reach the span processors and are counted, and are still not exported.
 * (The SDK's own always-record sampler lifts every span, which doubles the cost of each unsampled one.)
 *
 * With a parent-based delegate the root span of a task is also sampled when a span it links to was, so that a task
 * shows up in the same traces as its enqueuer.
 *
 * @param delegate what decides about sampling; default: the one that `OTEL_TRACES_SAMPLER` and `_ARG` name
 */
export function taskSampler(delegate?: Sampler, options: TaskSamplerOptions = {}): Sampler {
  return new TaskSampler(delegate, options.runsAreObserved ?? false);
}

export interface TaskSamplerOptions {
  /**
   * True where runs of the task API are counted through `state.runObservers`, and no span processor asks for unsampled
   * spans: then those of runs need not be recorded, which halves the cost of an unsampled task. Default false.
   */
  readonly runsAreObserved?: boolean | undefined;
}

class TaskSampler implements Sampler {
  #delegate: Sampler | undefined;
  #parentBased: boolean | undefined;

  readonly #runsAreObserved: boolean;

  constructor(delegate: Sampler | undefined, runsAreObserved: boolean) {
    this.#delegate = delegate;
    this.#runsAreObserved = runsAreObserved;
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const result = this.#sampler().shouldSample(context, traceId, name, kind, attributes, links);
    if (result.decision === RECORD_AND_SAMPLED) return result;
    const task = isTask(kind, attributes);
    if (!task && attributes[ATTR.STEP_NAME] === undefined && !isBatchReceipt(attributes)) return result;
    if (task && this.#followsLinks() && isRoot(context) && links.some(isSampled)) {
      return { ...result, decision: RECORD_AND_SAMPLED };
    }
    if (result.decision !== NOT_RECORD || (this.#runsAreObserved && state.starting !== undefined)) return result;
    return { ...result, decision: RECORD };
  }

  toString(): string {
    return `TaskSampler{${this.#sampler().toString()}}`;
  }

  #sampler(): Sampler {
    this.#delegate ??= samplerFromEnvironment(process.env);
    return this.#delegate;
  }

  #followsLinks(): boolean {
    this.#parentBased ??= this.#sampler().toString().startsWith('ParentBased');
    return this.#parentBased;
  }
}

function isTask(kind: SpanKind, attributes: Attributes): boolean {
  if (kind !== SpanKind.INTERNAL && kind !== SpanKind.CONSUMER) return false;
  return attributes[ATTR.OPERATION] !== undefined || isConsumerRun(kind, attributes);
}

function isRoot(context: Context): boolean {
  const parent = trace.getSpanContext(context);
  return parent === undefined || !isSpanContextValid(parent);
}

function isSampled(link: Link): boolean {
  return (link.context.traceFlags & TraceFlags.SAMPLED) !== 0 && isSpanContextValid(link.context);
}

/**
 * The sampler that `OTEL_TRACES_SAMPLER` names. Loads the trace SDK. An unknown name is reported and means
 * `parentbased_always_on`, a bad ratio is reported and means 1, as the specification asks.
 */
export function samplerFromEnvironment(env: Readonly<Record<string, string | undefined>>): Sampler {
  // By require, since a sampler must answer at once.
  const sdk: typeof import('@opentelemetry/sdk-trace-base') = createRequire(import.meta.url)(
    '@opentelemetry/sdk-trace-base',
  );
  const named = env['OTEL_TRACES_SAMPLER']?.trim() || 'parentbased_always_on';
  switch (named) {
    case 'always_on':
      return new sdk.AlwaysOnSampler();
    case 'always_off':
      return new sdk.AlwaysOffSampler();
    case 'traceidratio':
      return new sdk.TraceIdRatioBasedSampler(ratio(env));
    case 'parentbased_always_off':
      return new sdk.ParentBasedSampler({ root: new sdk.AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio(env)) });
    case 'parentbased_always_on':
      break;
    default:
      reportOnce(
        'OTEL_TRACES_SAMPLER',
        `OTEL_TRACES_SAMPLER=${named} is not a known sampler; parentbased_always_on is used`,
      );
  }
  return new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() });
}

function ratio(env: Readonly<Record<string, string | undefined>>): number {
  const given = env['OTEL_TRACES_SAMPLER_ARG']?.trim() ?? '';
  const value = given === '' ? Number.NaN : Number(given);
  if (value >= 0 && value <= 1) return value;
  if (given !== '') {
    reportOnce('OTEL_TRACES_SAMPLER_ARG', `OTEL_TRACES_SAMPLER_ARG=${given} is not a number from 0 to 1; 1 is used`);
  }
  return 1;
}
