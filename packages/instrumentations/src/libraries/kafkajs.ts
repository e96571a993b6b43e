import type { Tracer } from '@opentelemetry/api';
import {
  type KafkaJsInstrumentationConfig,
  KafkaJsInstrumentation as OfficialInstrumentation,
} from '@opentelemetry/instrumentation-kafkajs';
import type { LibraryConfig } from '../base/library-instrumentation.ts';
import { namingTracer } from './consumer-operation.ts';

/**
 * The official instrumentation of kafkajs: its spans of consumed messages become runs, by topic. A message is processed
 * as a child of its producer's span. In `eachBatch`, each message is a run as long as its batch, and what is logged there
 * belongs to the first.
 */
export class KafkaJsInstrumentation extends OfficialInstrumentation {
  constructor(config: KafkaJsInstrumentationConfig & LibraryConfig = {}) {
    super(config);
  }

  protected override get tracer(): Tracer {
    const { operation }: LibraryConfig = this.getConfig();
    return operation === undefined ? super.tracer : namingTracer(super.tracer, operation);
  }
}
