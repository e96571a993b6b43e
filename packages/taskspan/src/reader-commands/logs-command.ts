import type { JobLogEntry, JobLogsRequest } from '@taskspan/joblog';
import type { Command } from 'commander';
import { type CommandIo, processIo } from './command-io.ts';
import { entryLines } from './entry-text.ts';
import type { Printer } from './printer.ts';
import { noteSkipped, reading, type Session, type SessionFlags, withSessionOptions } from './reader-session.ts';

interface LogsFlags extends SessionFlags {
  readonly since?: string;
  readonly level?: string;
  readonly limit?: string;
  readonly cursor?: string;
  readonly service?: string;
  readonly all?: boolean;
  readonly follow?: boolean;
}

/** `taskspan logs ID`: the log of a run, as far as it is or as it grows. */
export function registerLogs(program: Command, io: CommandIo = processIo()): void {
  withSessionOptions(program.command('logs'))
    .description('show the log of a run: lines, metrics, events, manifest')
    .argument('<id>', 'id of the run')
    .option('--since <instant>', 'only later entries: RFC 3339, Unix nanoseconds, or a time span such as 10m')
    .option('--level <level>', 'only entries of at least this level: debug, info, warn, error')
    .option('--limit <number>', 'how many, 1 to 10000 (default: 1000)')
    .option('--cursor <cursor>', 'go on after a page')
    .option('--service <name>', 'only if the run is of this service')
    .option('--all', 'all of them, page by page')
    .option('--follow', 'go on with entries as they are written, until the run has ended')
    .action(async (id: string, flags: LogsFlags) => {
      await reading(io, flags, async (session) => {
        const request = await logsRequest(id, flags);
        if (flags.follow === true) await follow(session, request, flags);
        else await printLogs(session, request, flags);
      });
    });
}

async function logsRequest(id: string, flags: LogsFlags): Promise<JobLogsRequest> {
  const { readLevel, readLimit, readSince } = await import('./request-values.ts');
  const { since, level, limit, cursor, service } = flags;
  return {
    job_run_id: id,
    since_timestamp: since === undefined ? undefined : readSince(since),
    min_level: level === undefined ? undefined : readLevel(level),
    limit: limit === undefined ? undefined : readLimit(limit),
    cursor,
    service,
  };
}

async function printLogs({ reader, printer }: Session, request: JobLogsRequest, flags: LogsFlags): Promise<void> {
  const { MOST_ITEMS } = await import('./request-values.ts');
  let { cursor, limit } = request;
  for (;;) {
    const page = await printer.waiting('reading', () => reader.getJobLogs({ ...request, cursor, limit }));
    await printer.lines(page.entries.flatMap((entry) => entryText(entry, printer, flags)));
    cursor = page.next_cursor;
    if (page.has_more && flags.all === true && cursor !== undefined) {
      // The first page is there soon; further ones are larger, because each is looked up anew.
      limit ??= MOST_ITEMS;
      continue;
    }
    noteSkipped(printer, page);
    if (page.has_more) printer.note(`there are more: --cursor ${cursor}, or --all`);
    return;
  }
}

async function follow({ reader, printer }: Session, request: JobLogsRequest, flags: LogsFlags): Promise<void> {
  const { limit = Number.POSITIVE_INFINITY, ...from } = request;
  let shown = 0;
  for await (const event of reader.tail(from)) {
    if (event.type === 'end') return;
    await printer.lines(entryText(event.entry, printer, flags));
    shown += 1;
    if (shown >= limit) return;
  }
}

function entryText(entry: JobLogEntry, printer: Printer, { json }: LogsFlags): readonly string[] {
  return json === true ? [JSON.stringify(entry)] : entryLines(entry, printer.style);
}
