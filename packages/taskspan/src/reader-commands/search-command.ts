import type { JobSearchHit, JobSearchRequest } from '@taskspan/joblog';
import type { Command } from 'commander';
import { type CommandIo, processIo } from './command-io.ts';
import { entryLines } from './entry-text.ts';
import { noteSkipped, reading, type Session, type SessionFlags, withSessionOptions } from './reader-session.ts';
import { safeLine } from './safe-text.ts';

interface SearchFlags extends SessionFlags {
  readonly from?: string;
  readonly to?: string;
  readonly service?: string;
  readonly limit?: string;
  readonly cursor?: string;
  readonly all?: boolean;
}

/** `taskspan search`: the entries of all runs of some days that hold a text. */
export function registerSearch(program: Command, io: CommandIo = processIo()): void {
  withSessionOptions(program.command('search'))
    .description('look for a text in the logs of all runs of some days, newest day first')
    .argument('<text>', 'what to look for; the case of ASCII letters does not matter')
    .option('--from <day>', 'first UTC day of their start, YYYY-MM-DD')
    .option('--to <day>', 'last UTC day of their start')
    .option('--service <name>', 'only in runs of this service')
    .option('--limit <number>', 'how many, 1 to 10000 (default: 100)')
    .option('--cursor <cursor>', 'go on after a page')
    .option('--all', 'all of them, page by page')
    .action(async (needle: string, flags: SearchFlags) => {
      await reading(io, flags, async (session) => {
        const { readLimit } = await import('./request-values.ts');
        const { from, to, service, limit, cursor } = flags;
        const request = {
          needle,
          from,
          to,
          service,
          cursor,
          limit: limit === undefined ? undefined : readLimit(limit),
        };
        await printHits(session, request, flags);
      });
    });
}

async function printHits({ reader, printer }: Session, request: JobSearchRequest, flags: SearchFlags): Promise<void> {
  let cursor = request.cursor;
  for (;;) {
    const page = await printer.waiting('searching', () => reader.search({ ...request, cursor }));
    await printer.lines(page.hits.flatMap((hit) => (flags.json === true ? [JSON.stringify(hit)] : hitLines(hit))));
    cursor = page.next_cursor;
    if (page.has_more && flags.all === true && cursor !== undefined) continue;
    noteSkipped(printer, page);
    if (page.has_more) printer.note(`there are more: --cursor ${cursor}, or --all`);
    return;
  }

  function hitLines({ job_id: id, entry }: JobSearchHit): readonly string[] {
    const [first = '', ...others] = entryLines(entry, printer.style);
    return [`${printer.style('bold', safeLine(id))}  ${first}`, ...others];
  }
}
