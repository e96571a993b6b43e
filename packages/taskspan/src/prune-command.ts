import type { PruneReport } from '@taskspan/joblog/retention';
import type { Command } from 'commander';
import { countText, sizeText } from './size-text.ts';
import { findStoredLogs } from './stored-logs.ts';

interface PruneFlags {
  readonly dir?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `taskspan prune`: what the background does about once an hour, now. */
export function registerPrune(program: Command): void {
  program
    .command('prune')
    .description('delete log files beyond the limits of TASKSPAN_RETENTION_*, and compress those of past days')
    .option('--dir <folder>', 'data folder (default: as for an application)')
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'print one JSON object')
    .action(async (flags: PruneFlags) => {
      const dirs = flags.dir === undefined ? [] : [flags.dir];
      const { config, logs, warnings } = findStoredLogs({ env: process.env, dirs });
      const [folder = ''] = logs;
      for (const warning of warnings) process.stderr.write(`taskspan: ${warning}\n`);
      const { pruneLogs, UNLIMITED } = await import('@taskspan/joblog/retention');
      if (config.retention === undefined) {
        process.stderr.write('taskspan: TASKSPAN_RETENTION=off keeps everything: nothing is deleted or compressed\n');
      }
      const report = await pruneLogs({
        logs: folder,
        limits: config.retention ?? UNLIMITED,
        compression: config.retention === undefined ? 'off' : config.compression,
        dryRun: flags.dryRun,
      });
      if (report === undefined) {
        process.stderr.write(`taskspan: another process is tidying ${folder} right now\n`);
        process.exitCode = 1;
        return;
      }
      process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : describeReport(report));
      if (report.problems.length > 0) process.exitCode = 1;
    });
}

function describeReport(report: PruneReport): string {
  const would = report.dry_run ? 'would be ' : '';
  const lines: string[] = [];
  const line = (what: string, text: string): void => {
    lines.push(`${what.padEnd(18)}${text}`);
  };
  line('logs', report.logs);
  line(`${would}deleted`, count(report.deleted_files, report.deleted_bytes));
  for (const day of report.deleted_days) line('', `${day}, the whole day`);
  const saved = report.dry_run ? '' : `, ${sizeText(report.compressed_bytes_saved)} saved`;
  line(`${would}packed`, countText(report.compressed_files, 'file') + saved);
  line('kept', count(report.kept_files, report.kept_bytes));
  if (report.spared_files > 0) {
    line('', `${report.spared_files} of them over a limit: a run is open, or they are in use`);
  }
  if (report.unknown_files > 0) {
    line('', `beside ${report.unknown_files} that are no job logs and are never touched`);
  }
  for (const problem of report.problems) line('not done', problem);
  return `${lines.join('\n')}\n`;
}

function count(files: number, size: number): string {
  return `${countText(files, 'file')}, ${sizeText(size)}`;
}
