const LINE = /^\s*(ok|not ok) \d+ ?(?:- )?(.*)$/;
const COMMENT = /^# (.*)$/;
/** What comes after a name. */
const DIRECTIVE = / # (?:skip|to.?do|time=).*$/i;
/** What some tests put into their names, and what is another in each run. */
const VOLATILE = /\(?\b\d+(?:\.\d+)?\s?ms\)?|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|:\d{4,5}\b/g;

export const RESULTS = ['passed', 'failed', 'skipped'] as const;

export type TestResult = (typeof RESULTS)[number];

/** By name of the test. */
export type SuiteResults = ReadonlyMap<string, TestResult>;

/**
 * Results of tests out of TAP, in which other output may stand. Where a name comes more than once, the further ones are
 * numbered.
 *
 * @param tape true where comments name tests, and lines are their assertions
 */
export function testResults(tap: string, tape: boolean): SuiteResults {
  const results = new Map<string, TestResult>();
  let test = '';
  for (const line of tap.split('\n')) {
    if (tape) test = COMMENT.exec(line)?.[1] ?? test;
    const [, outcome, title = ''] = LINE.exec(line) ?? [];
    if (outcome === undefined) continue;
    const name = `${test} ${title.replace(DIRECTIVE, '')}`.replace(VOLATILE, '').trim();
    let key = name;
    for (let count = 2; results.has(key); count += 1) key = `${name} (${count})`;
    results.set(key, resultOf(outcome, title));
  }
  return results;
}

function resultOf(outcome: string, title: string): TestResult {
  if (/ # (?:skip|to.?do)/i.test(title)) return 'skipped';
  return outcome === 'ok' ? 'passed' : 'failed';
}

/** How many tests ended so. */
export function countOf(results: SuiteResults, wanted: TestResult): number {
  return [...results.values()].filter((result) => result === wanted).length;
}
