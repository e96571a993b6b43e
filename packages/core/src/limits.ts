/** Every limit of the task API with its reason. Bytes are UTF-8. */
export const LIMITS = {
  /** A longer `operation` is cut: it is a metric label, kept in memory and in every scrape. */
  operationChars: 256,
  /** A longer `task.id` is cut with a mark. */
  taskIdChars: 1024,
  /** File names stay below the 255 bytes of common file systems, with room for endings. */
  fileNameChars: 128,
  /** One record; larger text is cut with a mark, so that one line never stalls a reader. */
  recordBytes: 1_048_576,
  /** Progress events: one per this many milliseconds and run. */
  progressIntervalMs: 100,
  /** Causes and aggregated errors followed in a stack trace. */
  errorDepth: 8,
  /** Orphan ids remembered, so that the same record is counted once; oldest forgotten first. */
  orphansRemembered: 100_000,
} as const;
