import type { JobLogReader, JobRow, JobStatus, JobsRequest } from '@taskspan/joblog';
import type { Command } from 'commander';
import { type CommandIo, processIo } from './command-io.ts';
import { jobDetails, jobTable } from './job-text.ts';
import {
  meantId,
  noteSkipped,
  reading,
  type Session,
  type SessionFlags,
  withSessionOptions,
} from './reader-session.ts';

interface JobsFlags extends SessionFlags {
  readonly from?: string;
  readonly to?: string;
  readonly operation?: string;
  readonly status?: string;
  readonly label?: string;
  readonly service?: string;
  readonly query?: string;
  readonly limit?: string;
  readonly cursor?: string;
  readonly all?: boolean;
}

/** `taskspan jobs`: the runs of some days, or all that is known of one. */
export function registerJobs(program: Command, io: CommandIo = processIo()): void {
  withSessionOptions(program.command('jobs'))
    .description('list runs, newest first, or show all that is known of one')
    .argument('[id]', 'id of a run, or at least 8 characters of its beginning')
    .option('--from <day>', 'first UTC day of their start, YYYY-MM-DD')
    .option('--to <day>', 'last UTC day of their start')
    .option('--operation <name>', 'only of this operation')
    .option('--status <status>', 'only with this status, such as failure or running')
    .option('--label <text>', 'only with this label')
    .option('--service <name>', 'only of this service')
    .option('--query <text>', 'only with this text in id, operation, label or messages')
    .option('--limit <number>', 'how many, 1 to 10000 (default: 100)')
    .option('--cursor <cursor>', 'go on after a page')
    .option('--all', 'all of them, page by page')
    .action(async (id: string | undefined, flags: JobsFlags) => {
      await reading(io, flags, async (session) => {
        if (id === undefined) await printJobs(session, flags);
        else await printJob(session, id, flags);
      });
    });
}

async function printJob(session: Session, text: string, { service, json }: JobsFlags): Promise<void> {
  const { reader, printer, stored } = session;
  const id = await meantId(session, text, service);
  const job = await reader.getJob(id, { service });
  if (json === true) {
    await printer.lines([JSON.stringify(job)]);
    return;
  }
  const { runDetails } = await import('./run-details.ts');
  const more = await printer.waiting('reading', () => runDetails(reader, job, { logs: stored.logs, service }));
  await printer.lines(jobDetails(job, printer.style, { more }));
}

async function printJobs({ reader, printer }: Session, flags: JobsFlags): Promise<void> {
  const { all, json, status, limit, dir: _, ...filters } = flags;
  const { MOST_ITEMS, readLimit } = await import('./request-values.ts');
  const request: JobsRequest = {
    ...filters,
    // Whatever was typed: the reader says what it may be.
    status: status as JobStatus | undefined,
    limit: limit === undefined ? (all === true ? MOST_ITEMS : undefined) : readLimit(limit),
  };
  let page = await nextPage(request);
  let shown = 0;
  for (;;) {
    await printer.lines(json === true ? page.jobs.map((row) => JSON.stringify(row)) : table(page.jobs, shown === 0));
    shown += page.jobs.length;
    if (!page.has_more || all !== true || page.next_cursor === undefined) break;
    page = await nextPage({ ...request, cursor: page.next_cursor });
  }
  noteSkipped(printer, page);
  if (page.has_more) printer.note(`there are more: --cursor ${page.next_cursor}, or --all`);
  else if (shown === 0) printer.note('no runs');

  function nextPage(of: JobsRequest): ReturnType<JobLogReader['listJobs']> {
    return printer.waiting('reading', () => reader.listJobs(of));
  }

  /** Each page in its own widths; the titles stand once. */
  function table(rows: readonly JobRow[], isFirst: boolean): readonly string[] {
    if (rows.length === 0) return [];
    const lines = jobTable(rows, printer.style);
    return isFirst ? lines : lines.slice(1);
  }
}
