/** What the examples print about their own work: how many runs there have to be of each operation, and what they logged. */
import type { ExampleEnd } from './example-process.ts';

/** A line of a JSON logger. */
export type LogLine = Readonly<Record<string, unknown>>;

/** `<operation> <status>` with how many runs ended so. */
export type Ends = Readonly<Record<string, number>>;

/** The lines of a program that logs JSON. */
export function logOf({ stdout }: ExampleEnd): readonly LogLine[] {
  return linesOf(stdout).map((line) => JSON.parse(line) as LogLine);
}

export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

export function countOf(items: Iterable<string>): Ends {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What the first line of a run of `bullmq-app` says about it. */
const SHOP_RUNS: Readonly<Record<string, string>> = {
  'sent confirmation': 'confirmation success',
  'sent review-request': 'review-request success',
  reserved: 'reserve success',
  'the supplier asks for patience': 'reserve deferred',
  'stock counted': 'count success',
  packed: 'pack success',
  'not there yet, packed later': 'pack deferred',
  shipped: 'ship success',
};

/** The runs of the worker of `bullmq-app`. */
export function shopEnds(lines: readonly LogLine[]): Ends {
  return countOf(
    lines.flatMap(({ message, attempt, queue }) => {
      if (message === 'charging') return [attempt === 3 ? 'charge success' : 'charge failure'];
      // Of a mail without an address nothing is said before it has failed.
      if (message === 'job failed' && queue === 'mail') return ['confirmation failure'];
      return SHOP_RUNS[String(message)] ?? [];
    }),
  );
}

/** `<operation>: <message>` of each line that a run of `bullmq-app` logs. */
export function shopLines(lines: readonly LogLine[]): Ends {
  return countOf(
    lines.flatMap(({ message }) => {
      const operation = /^charg/.test(String(message)) ? 'charge' : SHOP_RUNS[String(message)]?.split(' ')[0];
      return operation === undefined ? [] : [`${operation}: ${message}`];
    }),
  );
}

const PHOTO_OPERATIONS: Readonly<Record<string, string>> = {
  'making thumbnail': 'make-thumbnail',
  'notifying followers': 'notify-followers',
  'followers notified': 'notify-followers',
  'upload checked': 'check-upload',
  'upload refused': 'check-upload',
  'draft removed': 'remove-draft',
  'photos indexed': 'index-photos',
  'nothing to clean up': 'nightly-cleanup',
};

/** The runs of the worker of `pg-boss-app`. */
export function photoEnds(lines: readonly LogLine[]): Ends {
  const notified = lines.filter(({ msg }) => msg === 'followers notified').length;
  let failures = lines.filter(({ msg }) => msg === 'notifying followers').length - notified;
  return countOf(
    lines.flatMap(({ msg, words }) => {
      const operation = PHOTO_OPERATIONS[String(msg)];
      if (operation === undefined || msg === 'followers notified') return [];
      if (msg === 'notifying followers') return [`${operation} ${failures-- > 0 ? 'failure' : 'success'}`];
      const end = `${operation} ${msg === 'upload refused' ? 'failure' : 'success'}`;
      return Array.isArray(words) ? words.map(() => end) : [end];
    }),
  );
}

/** `<operation>: <message>` of each line that a run of `pg-boss-app` logs. */
export function photoLines(lines: readonly LogLine[]): Ends {
  return countOf(
    lines.flatMap(({ msg }) => {
      const operation = PHOTO_OPERATIONS[String(msg)];
      return operation === undefined ? [] : [`${operation}: ${msg}`];
    }),
  );
}

/** What the Nest example prints about its runs, and the job library whose runs these are. */
const NEST_RUNS: readonly (readonly [RegExp, string])[] = [
  [/\[PricesService\] warm$/, 'nest-schedule warm-up success'],
  [/\[PricesService\] \d+ prices collected$/, 'nest-schedule collect-prices success'],
  [/\[PricesService\] \d+ prices known$/, 'nest-schedule count-prices success'],
  [/\[ReportsService\] sending the report$/, 'nest-schedule send-report failure'],
  [/\[NewsletterService\] newsletter for 3 readers$/, 'nest-schedule newsletter success'],
  [/\[MailProcessor\] newsletter sent to /, 'bullmq newsletter success'],
  [/\[MailProcessor\] newsletter failed: /, 'bullmq newsletter failure'],
];

/** The runs of the Nest example: `<library> <operation> <status>`. */
export function nestEnds({ stdout, stderr }: ExampleEnd): Ends {
  const lines = linesOf(`${stdout}\n${stderr}`);
  return countOf(lines.flatMap((line) => NEST_RUNS.find(([pattern]) => pattern.test(line))?.[1] ?? []));
}

const CRON_RUNS: readonly (readonly [RegExp, string])[] = [
  [/^collect-prices: /, 'collect-prices success'],
  [/^send-report: sending/, 'send-report failure'],
  [/^rebuild-index: started/, 'rebuild-index success'],
];

/** The runs of the example of scheduled jobs. */
export function cronEnds({ stdout }: ExampleEnd): Ends {
  return countOf(linesOf(stdout).flatMap((line) => CRON_RUNS.find(([pattern]) => pattern.test(line))?.[1] ?? []));
}

/** `<operation>: <message>` of each line that a run of scheduled jobs prints. */
export function cronLines({ stdout }: ExampleEnd): Ends {
  return countOf(
    linesOf(stdout).flatMap((line) => {
      const [, operation] = /^([a-z]+-[a-z]+): /.exec(line) ?? [];
      return operation === undefined ? [] : [`${operation}: ${line}`];
    }),
  );
}
