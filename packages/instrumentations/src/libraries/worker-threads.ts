import { InstrumentationBase } from '@opentelemetry/instrumentation';
import { SCOPE } from '@taskspan/core';
import type { LibraryConfig } from '../base/library-instrumentation.ts';
import { WorkerThreadsCarrier } from './worker-threads-carrier.ts';

/** {@link WorkerThreadsCarrier} for an OpenTelemetry SDK of the application's own, which takes instrumentations only. */
export class WorkerThreadsInstrumentation extends InstrumentationBase<LibraryConfig> {
  // Only declared: the base constructor calls init() and enable(), and a field initialiser would erase what they store.
  declare private carrier: WorkerThreadsCarrier;

  constructor(config: LibraryConfig = {}) {
    super('@taskspan/worker-threads', SCOPE.version, config);
  }

  protected override init(): undefined {
    this.carrier ??= new WorkerThreadsCarrier();
  }

  override enable(): void {
    super.enable();
    this.carrier.enable();
  }

  override disable(): void {
    super.disable();
    this.carrier.disable();
  }
}
