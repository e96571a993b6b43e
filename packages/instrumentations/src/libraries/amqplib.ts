import type { Tracer } from '@opentelemetry/api';
import {
  type AmqplibInstrumentationConfig,
  type ConsumeEndInfo,
  AmqplibInstrumentation as OfficialInstrumentation,
} from '@opentelemetry/instrumentation-amqplib';
import { ATTR } from '@taskspan/core';
import type { LibraryConfig } from '../base/library-instrumentation.ts';
import { CONSUME_TIMEOUT_MS } from '../official-instrumentations.ts';
import { namingTracer } from './consumer-operation.ts';

type Config = AmqplibInstrumentationConfig & LibraryConfig;
type EndHook = NonNullable<Config['consumeEndHook']>;

/** Hooks that say what ours say. */
const OURS = new WeakSet<EndHook>();

/**
 * The official instrumentation of amqplib: its spans of consumed messages become runs, by queue, from their delivery to
 * `ack`, `nack` or `reject`; without acknowledgements, to the handler's return. A message is processed as a child of its
 * producer's span.
 */
export class AmqplibInstrumentation extends OfficialInstrumentation {
  constructor(config: Config = {}) {
    super(withDefaults(config));
  }

  override setConfig(config: Config = {}): void {
    super.setConfig(withDefaults(config));
  }

  protected override get tracer(): Tracer {
    const { operation }: LibraryConfig = this.getConfig();
    return operation === undefined ? super.tracer : namingTracer(super.tracer, operation);
  }
}

function withDefaults(config: Config): Config {
  const { consumeEndHook } = config;
  // The base class sets what it was constructed with once more.
  if (consumeEndHook !== undefined && OURS.has(consumeEndHook)) return config;
  const hook: EndHook = (span, end) => {
    const type = errorTypeOf(end);
    if (type !== undefined) span.setAttribute(ATTR.ERROR_TYPE, type);
    consumeEndHook?.(span, end);
  };
  OURS.add(hook);
  return { consumeTimeoutMs: CONSUME_TIMEOUT_MS, ...config, consumeEndHook: hook };
}

/** `nack`, `reject`, `channel_closed`...: the official instrumentation says it in the message of the status alone. */
function errorTypeOf({ rejected, endOperation }: ConsumeEndInfo): string | undefined {
  if (rejected === false) return undefined;
  if (rejected === null) return 'timeout';
  return endOperation.replaceAll(' ', '_');
}
