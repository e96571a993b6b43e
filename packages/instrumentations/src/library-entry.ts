/** `tasks`: its runs are captured here; `adopted`: spans of the official instrumentation become runs; `carrier`: hands on a run's context. */
type LibraryKind = 'tasks' | 'adopted' | 'carrier';

/** What register does with an instrumentation. */
export interface LibrarySwitch {
  enable(): void;
  disable(): void;
}

export type InstrumentationClass = new (config?: {
  readonly enabled?: boolean;
  readonly operation?: ((job: unknown) => string | undefined) | undefined;
}) => LibrarySwitch;

export interface LibraryEntry {
  /** Its name in `TASKSPAN_INSTRUMENTATIONS` and `OTEL_NODE_DISABLED_INSTRUMENTATIONS`. */
  readonly name: string;
  /** Packages whose loading makes it needed; none for what is built into Node. */
  readonly packages: readonly string[];
  readonly byDefault: boolean;
  readonly kind: LibraryKind;
  /** Name of the exported class. */
  readonly instrumentation: string;
  /** Versions, as bounds. */
  readonly supported: string;
  /** What the operation is, for the docs. */
  readonly operation: string;
  /** Where the enqueuer's context travels, for the docs. */
  readonly carrier: string;
  /** What is captured beside runs, for the docs. */
  readonly captured: string;
  /** What is not, for the docs. */
  readonly limits: string;
  /** Loads the class; of a carrier the light one below it, which needs nothing of OpenTelemetry's instrumentations. */
  load(): InstrumentationClass;
}
