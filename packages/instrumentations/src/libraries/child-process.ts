import { InstrumentationBase } from '@opentelemetry/instrumentation';
import { SCOPE } from '@taskspan/core';
import type { LibraryConfig } from '../base/library-instrumentation.ts';
import { ChildProcessCarrier } from './child-process-carrier.ts';

/** {@link ChildProcessCarrier} for an OpenTelemetry SDK of the application's own, which takes instrumentations only. */
export class ChildProcessInstrumentation extends InstrumentationBase<LibraryConfig> {
  // Only declared: the base constructor calls init() and enable(), and a field initialiser would erase what they store.
  declare private carrier: ChildProcessCarrier;

  constructor(config: LibraryConfig = {}) {
    super('@taskspan/child-process', SCOPE.version, config);
  }

  protected override init(): undefined {
    this.carrier ??= new ChildProcessCarrier();
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
