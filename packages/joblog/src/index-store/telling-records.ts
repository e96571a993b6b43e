/** What begins the records of a batch, and each record behind the first, as all writers known to us write them. */
const RECORDS = '"logRecords":[';
const NEXT_RECORD = '},{"timeUnixNano":"';
/** Its length without the brace that ends the record before. */
const COMMA_AT = 1;
const MIN_RECORDS = 4;

/**
 * The line of a run's own file without those records in the middle that tell nothing about the run: a fifth of it is left
 * to be parsed. Inside a text of JSON these marks would have backslashes, so that records are only cut where they end.
 *
 * @param isTelling says it of the text of a record
 * @returns the line as it is where it is written in another way
 */
export function tellingLine(line: string, isTelling: (record: string) => boolean): string {
  const recordsAt = line.indexOf(RECORDS);
  if (recordsAt < 0 || line.indexOf(RECORDS, recordsAt + RECORDS.length) >= 0) return line;
  const starts: number[] = [];
  for (let at = line.indexOf(NEXT_RECORD, recordsAt); at >= 0; at = line.indexOf(NEXT_RECORD, at + 1))
    starts.push(at + COMMA_AT);
  if (starts.length < MIN_RECORDS - 1) return line;
  // The first and the last say when the run was heard of.
  let kept = line.slice(0, starts[0]);
  for (const [n, start] of starts.entries()) {
    const end = starts[n + 1];
    const record = line.slice(start, end);
    if (end === undefined || isTelling(record)) kept += record;
  }
  return kept;
}
