/** `docs/config.md`, made from the table: what is not in the table is not read, what is in it is documented. */
import { CONFIG, type ConfigEntry } from './config-table.ts';

const HEAD = `# Configuration

Made from the table in \`packages/taskspan/src/config-table.ts\`; do not edit by hand.

An option of \`start()\` goes before its environment variable, that before the default. An empty variable counts as
unset. A value that is not understood is warned about at the start, with what is used instead; it stops nothing.

`;

/** The whole page as Markdown. */
export function configDocs(): string {
  const rows = (entries: readonly ConfigEntry[]): string => entries.map(row).join('');
  const ours = CONFIG.filter((entry) => entry.key.startsWith('TASKSPAN_'));
  const standard = CONFIG.filter((entry) => !ours.includes(entry) && entry.otlp !== true);
  const delivery = CONFIG.filter((entry) => entry.otlp === true);
  return [
    HEAD,
    '## Standard OpenTelemetry variables\n\n',
    TABLE_HEAD,
    rows(standard),
    '\n## Variables of this toolkit\n\n',
    TABLE_HEAD,
    rows(ours),
    '\n## How data is sent through OTLP\n\nThese have an effect once an endpoint or an `otlp` exporter is set.\n\n',
    TABLE_HEAD,
    rows(delivery),
  ].join('');
}

const TABLE_HEAD = '| variable | option | type | default | meaning |\n| --- | --- | --- | --- | --- |\n';

function row(entry: ConfigEntry): string {
  const keys = [entry.key, ...(entry.aliases ?? [])].map((key) => `\`${key}\``).join(', then ');
  const option = entry.option === undefined ? '' : `\`${entry.option}\``;
  const values =
    entry.values === undefined ? '' : ` Values: ${entry.values.map((value) => `\`${value}\``).join(', ')}.`;
  const cells = [keys, option, entry.type, entry.default, entry.meaning + values];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}
