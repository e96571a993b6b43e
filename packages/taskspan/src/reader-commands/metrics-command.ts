import type { JobMetric } from '@taskspan/joblog';
import type { Command } from 'commander';
import { type Column, cellTable } from './cell-table.ts';
import { type CommandIo, processIo } from './command-io.ts';
import { dayAndTime } from './instant-text.ts';
import { samplesOf } from './metric-samples.ts';
import {
  meantId,
  noteSkipped,
  reading,
  type Session,
  type SessionFlags,
  withSessionOptions,
} from './reader-session.ts';
import { safeLine } from './safe-text.ts';

interface MetricsFlags extends SessionFlags {
  readonly service?: string;
}

/** `taskspan metrics`: the metrics of all jobs as Prometheus text, or the metric points of one run. */
export function registerMetrics(program: Command, io: CommandIo = processIo()): void {
  withSessionOptions(program.command('metrics'))
    .description('print the metrics of all jobs as Prometheus text, or the metric points of one run')
    .argument('[id]', 'id of a run, or at least 8 characters of its beginning')
    .option('--service <name>', 'only if the run is of this service')
    .action(async (id: string | undefined, flags: MetricsFlags) => {
      await reading(io, flags, async (session) => {
        if (id === undefined) await printMetrics(session, flags);
        else await printPoints(session, id, flags);
      });
    });
}

async function printMetrics({ printer, stored }: Session, { json }: MetricsFlags): Promise<void> {
  const { MetricsAggregator } = await import('@taskspan/joblog');
  const { logs, index, config } = stored;
  const aggregator = new MetricsAggregator({ logs, state: index, namespace: config.namespace });
  try {
    await printer.waiting('reading', () => aggregator.refresh());
    const text = aggregator.render();
    await printer.lines(json === true ? [JSON.stringify({ metrics: samplesOf(text) })] : text.trimEnd().split('\n'));
  } finally {
    await aggregator.close();
  }
}

async function printPoints(session: Session, text: string, { service, json }: MetricsFlags): Promise<void> {
  const { reader, printer } = session;
  const id = await meantId(session, text, service);
  const answer = await printer.waiting('reading', () => reader.getJobMetrics(id, { service }));
  const { metrics } = answer;
  if (json === true) await printer.lines([JSON.stringify(answer)]);
  else if (metrics.length > 0) await printer.lines(cellTable(COLUMNS, metrics, printer.style));
  noteSkipped(printer, answer);
  if (answer.has_more === true) printer.note(`only the first ${metrics.length} are shown`);
  if (metrics.length === 0) printer.note('no metric points');
}

const COLUMNS: readonly Column<JobMetric>[] = [
  { title: 'TIME (UTC)', cell: ({ timestamp }) => ({ text: dayAndTime(timestamp) }) },
  { title: 'NAME', cell: ({ name }) => ({ text: safeLine(name) }) },
  { title: 'VALUE', isNumber: true, cell: ({ value }) => ({ text: String(value) }) },
  { title: 'UNIT', cell: ({ unit }) => ({ text: safeLine(unit) }) },
  {
    title: 'LABELS',
    cell: ({ labels }) => ({
      text: Object.entries(labels)
        .map(([key, value]) => `${safeLine(key)}=${safeLine(value)}`)
        .join(' '),
    }),
  },
];
