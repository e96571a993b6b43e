/** Columns of the table, in the order in which runs are hoped to end. */
const STATUSES = /** @type {const} */ (['success', 'failure', 'expired', 'cancelled']);

/**
 * Prints what ran, whether the three counts of it agree, and where to look next.
 *
 * @param {readonly import('./job-queue.js').JobEnd[]} ended
 * @param {import('./evidence.js').Evidence} evidence
 */
export function printSummary(ended, { folder, logs, metricsUrl, runs, differences }) {
  console.log(`\n${table(ended, runs)}\n`);
  if (differences.length === 0) {
    const metrics = metricsUrl === undefined ? '' : '/metrics = ';
    console.log(`Checked: own count = ${metrics}files, ${ended.length} runs.`);
  } else {
    console.log('NOT as it should be:');
    for (const difference of differences) console.log(`  ${difference}`);
  }
  console.log(`\nFiles    ${logs}`);
  console.log(`Metrics  ${metricsUrl ?? 'not served here, so not compared'}`);
  const failed = runs.find(({ status }) => status === 'failure')?.file ?? runs[0]?.file;
  if (failed !== undefined) printWaysOn(folder, failed, metricsUrl !== undefined);
}

/**
 * @param {string} folder
 * @param {string} file
 * @param {boolean} isServed whether there is a URL of metrics above
 */
function printWaysOn(folder, file, isServed) {
  const metrics = isServed
    ? `
  the metrics, while they are served: start with --keep, then
    curl -s <the URL above>`
    : '';
  const records = '[.[].resourceLogs[]?.scopeLogs[].logRecords[]] | sort_by(.timeUnixNano)[]';
  console.log(`
Look further
  the log of one run (a failed one, if any):
    jq -rs '${records} | [.severityText, .eventName, .body.stringValue] | @tsv' ${quote(file)}${metrics}
  what the toolkit sees on this machine:
    npx taskspan doctor --dir ${quote(folder)}`);
}

/**
 * @param {string} text
 * @returns {string} one word of a shell
 */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * @param {readonly import('./job-queue.js').JobEnd[]} ended
 * @param {readonly import('./evidence.js').EndedRun[]} runs
 * @returns {string}
 */
function table(ended, runs) {
  const operations = [...new Set(ended.map(({ job }) => job.operation))].sort();
  const rows = operations.map((operation) => {
    const own = ended.filter(({ job }) => job.operation === operation);
    const counts = STATUSES.map((status) => own.filter((end) => end.status === status).length);
    return [
      operation,
      ...[...counts, own.length].map(count),
      ...times(runs.filter((run) => run.operation === operation)),
    ];
  });
  const totals = STATUSES.map((status) => ended.filter((end) => end.status === status).length);
  const all = ['all', ...[...totals, ended.length].map(count), ...times(runs)];
  return layOut([['operation', ...STATUSES, 'runs', 'seconds', 'longest'], ...rows, all]);
}

/** @param {number} number */
function count(number) {
  return number === 0 ? '-' : String(number);
}

/**
 * @param {readonly import('./evidence.js').EndedRun[]} runs
 * @returns {[string, string]} sum and maximum of the durations, in seconds
 */
function times(runs) {
  if (runs.length === 0) return ['?', '?'];
  const seconds = runs.map((run) => run.seconds);
  return [seconds.reduce((sum, one) => sum + one, 0).toFixed(2), Math.max(...seconds).toFixed(2)];
}

/**
 * @param {readonly (readonly string[])[]} rows the first is the heading, the first column is text, the others numbers
 * @returns {string}
 */
function layOut(rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const rule = '-'.repeat(lines[0]?.length ?? 0);
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines.at(-1)].join('\n');
}
