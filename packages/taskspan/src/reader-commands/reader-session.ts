/** What the commands that read job logs have in common: their options, the reader, and how they fail. */
import type { BadRequestError, JobLogReader } from '@taskspan/joblog';
import type { Command } from 'commander';
import { findStoredLogs, type StoredLogs } from '../stored-logs.ts';
import type { CommandIo } from './command-io.ts';
import { type Printer, printing } from './printer.ts';

export interface SessionFlags {
  readonly dir?: readonly string[];
  readonly json?: boolean;
}

/** Adds the options that each of these commands has. */
export function withSessionOptions(command: Command): Command {
  return command
    .option('--dir <folder>', 'data folder; several are read as one (default: as for an application)', collected)
    .option('--json', 'print JSON: an object a line for lists and logs, one object otherwise');
}

function collected(value: string, former: readonly string[] = []): readonly string[] {
  return [...former, value];
}

export interface Session {
  readonly reader: JobLogReader;
  readonly printer: Printer;
  readonly stored: StoredLogs;
}

/** Runs a command with a reader of the logs; what it cannot be asked becomes a sentence and a failure. */
export async function reading(
  io: CommandIo,
  flags: SessionFlags,
  command: (session: Session) => Promise<void>,
): Promise<void> {
  const joblog = await import('@taskspan/joblog');
  await printing(io, async (printer) => {
    const stored = findStoredLogs({ env: io.env, dirs: flags.dir });
    for (const warning of stored.warnings) printer.note(warning);
    const { logs, index, config } = stored;
    const reader = new joblog.JobLogReader({
      logs,
      index,
      refreshIntervalMs: config.logRefreshIntervalMs,
      cacheSize: config.logCacheSize,
    });
    try {
      await command({ reader, printer, stored });
    } catch (error) {
      if (error instanceof joblog.BadRequestError) printer.fail(inWordsOfOptions(error));
      else if (error instanceof joblog.UnknownJobError || isOfSystem(error)) printer.fail(error.message);
      else throw error;
    } finally {
      await reader.close();
    }
  });
}

/** The id of the run that is meant by it, or by its beginning. Rejects when there is none, or more than one. */
export async function meantId(
  { reader, printer }: Session,
  text: string,
  service: string | undefined,
): Promise<string> {
  const { fullRunId } = await import('./run-id.ts');
  return await printer.waiting('looking for the run', () => fullRunId(reader, text, { service }));
}

/** Parameters of the reader that have another name on the command line. */
const NAME_HERE: Readonly<Record<string, string>> = {
  needle: 'text',
  job_run_id: 'id',
  since_timestamp: 'since',
  min_level: 'level',
};

function inWordsOfOptions({ message, parameter }: BadRequestError): string {
  const name = NAME_HERE[parameter];
  return name !== undefined && message.startsWith(parameter) ? name + message.slice(parameter.length) : message;
}

/** What the system says, such as that a folder must not be read: its words are enough. */
function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

/** Tells of lines that nobody could read. */
export function noteSkipped(
  printer: Printer,
  { skipped_lines: skipped = 0 }: { readonly skipped_lines?: number },
): void {
  if (skipped === 1) printer.note('one line could not be read');
  else if (skipped > 1) printer.note(`${skipped} lines could not be read`);
}
