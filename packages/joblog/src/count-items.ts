/** Counts what stands in lines that could not be written; slow and exact, as losses are rare. */
export function countItems(lines: string): { readonly logs: number; readonly spans: number } {
  let logs = 0;
  let spans = 0;
  for (const line of lines.split('\n')) {
    if (line === '') continue;
    const batch = JSON.parse(line) as Batch;
    for (const { scopeLogs } of batch.resourceLogs ?? [])
      for (const { logRecords } of scopeLogs) logs += logRecords.length;
    for (const { scopeSpans } of batch.resourceSpans ?? [])
      for (const { spans: list } of scopeSpans) spans += list.length;
  }
  return { logs, spans };
}

/** As this package writes it. */
interface Batch {
  readonly resourceLogs?: readonly { readonly scopeLogs: readonly { readonly logRecords: readonly unknown[] }[] }[];
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly unknown[] }[] }[];
}
