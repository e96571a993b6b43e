import { type Context, type Span, SpanKind, type SpanOptions, type Tracer } from '@opentelemetry/api';
import { ATTR } from '@taskspan/core';
import { safely } from '@taskspan/core/hub';
import type { LibraryConfig } from '../base/library-instrumentation.ts';

/** What a function that names the runs of a consumer gets: the library's own message is not told to its tracer. */
export interface ConsumedMessage {
  /** Name that the official instrumentation gives to the span, such as `process orders`. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The tracer of an official instrumentation, with consumer spans that start with the operation of the application. */
export function namingTracer(tracer: Tracer, operation: NonNullable<LibraryConfig['operation']>): Tracer {
  return {
    startSpan: (name: string, options: SpanOptions = {}, context?: Context): Span =>
      tracer.startSpan(name, options.kind === SpanKind.CONSUMER ? named(name, options, operation) : options, context),
    startActiveSpan: tracer.startActiveSpan.bind(tracer),
  };
}

function named(name: string, options: SpanOptions, operation: NonNullable<LibraryConfig['operation']>): SpanOptions {
  const message: ConsumedMessage = { name, attributes: { ...options.attributes } };
  const given = safely('naming a consumer span', () => operation(message));
  if (typeof given !== 'string' || given === '') return options;
  return { ...options, attributes: { ...options.attributes, [ATTR.OPERATION]: given } };
}
