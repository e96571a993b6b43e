import type { JobLogEntry, JobLogReader, JobLogsRequest, JobLogsResponse } from '@taskspan/joblog';
import { type Command, Option } from 'commander';
import { type CommandIo, processIo } from './command-io.ts';
import { entryLines } from './entry-text.ts';
import {
  meantId,
  noteSkipped,
  reading,
  type Session,
  type SessionFlags,
  withSessionOptions,
} from './reader-session.ts';
import { RunFields } from './run-fields.ts';

interface LogsFlags extends SessionFlags {
  readonly since?: string;
  readonly level?: string;
  readonly limit?: string;
  readonly tail?: string;
  readonly cursor?: string;
  readonly service?: string;
  readonly all?: boolean;
  readonly follow?: boolean;
}

/** `taskspan logs ID`: the log of a run, as far as it is or as it grows. */
export function registerLogs(program: Command, io: CommandIo = processIo()): void {
  withSessionOptions(program.command('logs'))
    .description('show the log of a run: lines, metrics, events, manifest')
    .argument('<id>', 'id of the run, or at least 8 characters of its beginning')
    .option('--since <instant>', 'only later entries: RFC 3339, Unix nanoseconds, or a time span such as 10m')
    .option('--level <level>', 'only entries of at least this level: debug, info, warn, error')
    .option('--limit <number>', 'how many, 1 to 10000 (default: 1000)')
    .addOption(new Option('--tail <number>', 'only the last ones, 1 to 10000').conflicts(['limit', 'all', 'cursor']))
    .option('--cursor <cursor>', 'go on after a page')
    .option('--service <name>', 'only if the run is of this service')
    .option('--all', 'all of them, page by page')
    .option('--follow', 'go on with entries as they are written, until the run has ended')
    .action(async (id: string, flags: LogsFlags) => {
      await reading(io, flags, async (session) => {
        const request = await logsRequest(session, id, flags);
        const { readLimit } = await import('./request-values.ts');
        const tail = flags.tail === undefined ? undefined : readLimit(flags.tail, 'tail');
        const known = await knownOf(session, request);
        const print = (entries: readonly JobLogEntry[]): Promise<void> =>
          session.printer.lines(entries.flatMap((entry) => entryText(entry, { session, flags, known })));
        if (flags.follow === true) await follow(session, request, { print, tail });
        else if (tail !== undefined) await printLast(session, request, { print, tail });
        else await printLogs(session, request, { print, isAll: flags.all === true });
      });
    });
}

async function logsRequest(session: Session, id: string, flags: LogsFlags): Promise<JobLogsRequest> {
  const { readLevel, readLimit, readSince } = await import('./request-values.ts');
  const { since, level, limit, cursor, service } = flags;
  return {
    job_run_id: await meantId(session, id, service),
    since_timestamp: since === undefined ? undefined : readSince(since),
    min_level: level === undefined ? undefined : readLevel(level),
    limit: limit === undefined ? undefined : readLimit(limit),
    cursor,
    service,
  };
}

interface Output {
  print(entries: readonly JobLogEntry[]): Promise<void>;
}

/** What the run said at its start, which a later page does not have. */
async function knownOf({ reader }: Session, { job_run_id, service }: JobLogsRequest): Promise<RunFields> {
  const known = new RunFields();
  const { entries } = await reader.getJobLogs({ job_run_id, service, limit: 1 });
  // The first page has it itself, and shows all of it.
  for (const entry of entries) known.learn(entry);
  return known;
}

async function printLogs(
  { reader, printer }: Session,
  request: JobLogsRequest,
  { print, isAll }: Output & { readonly isAll: boolean },
): Promise<void> {
  const { MOST_ITEMS } = await import('./request-values.ts');
  let { cursor, limit } = request;
  for (;;) {
    const page = await printer.waiting('reading', () => reader.getJobLogs({ ...request, cursor, limit }));
    await print(page.entries);
    cursor = page.next_cursor;
    if (page.has_more && isAll && cursor !== undefined) {
      // The first page is there soon; further ones are larger, because each is looked up anew.
      limit ??= MOST_ITEMS;
      continue;
    }
    noteSkipped(printer, page);
    if (page.has_more) printer.note(`there are more: --cursor ${cursor}, or --all`);
    return;
  }
}

async function printLast(
  { reader, printer }: Session,
  request: JobLogsRequest,
  { print, tail }: Output & { readonly tail: number },
): Promise<void> {
  const { last, page } = await printer.waiting('reading', () => lastEntries(reader, request, tail));
  await print(last);
  noteSkipped(printer, page);
}

/** The last entries, how many there are of all, and the page that has the end. */
async function lastEntries(
  reader: JobLogReader,
  request: JobLogsRequest,
  tail: number,
): Promise<{ readonly last: readonly JobLogEntry[]; readonly all: number; readonly page: JobLogsResponse }> {
  const { MOST_ITEMS } = await import('./request-values.ts');
  let last: readonly JobLogEntry[] = [];
  let all = 0;
  let { cursor } = request;
  for (;;) {
    const page = await reader.getJobLogs({ ...request, cursor, limit: MOST_ITEMS });
    all += page.entries.length;
    last = [...last, ...page.entries].slice(-tail);
    cursor = page.next_cursor;
    if (!page.has_more || cursor === undefined) return { last, all, page };
  }
}

async function follow(
  { reader, printer }: Session,
  request: JobLogsRequest,
  { print, tail }: Output & { readonly tail: number | undefined },
): Promise<void> {
  const { limit = Number.POSITIVE_INFINITY, ...from } = request;
  let toPass = 0;
  if (tail !== undefined) {
    const { all, last } = await printer.waiting('reading', () => lastEntries(reader, request, tail));
    toPass = all - last.length;
  }
  let shown = 0;
  for await (const event of reader.tail(from)) {
    if (event.type === 'end') return;
    if (toPass > 0) {
      toPass -= 1;
      continue;
    }
    await print([event.entry]);
    shown += 1;
    if (shown >= limit) return;
  }
}

interface EntryOptions {
  readonly session: Session;
  readonly flags: LogsFlags;
  readonly known: RunFields;
}

function entryText(entry: JobLogEntry, { session, flags, known }: EntryOptions): readonly string[] {
  return flags.json === true ? [JSON.stringify(entry)] : entryLines(entry, session.printer.style, known);
}
