/** Entries of a run's log for people: a line each, or as many as a text has. */
import { ATTR, SUBMISSION_FIELDS } from '@taskspan/core';
import type { JobEvent, JobLogEntry, JobLogMessage, JobManifest, JobMetricPoint } from '@taskspan/joblog';
import { durationText } from './instant-text.ts';
import { safeLine, safeLines } from './safe-text.ts';
import type { StyleName, TextStyle } from './text-style.ts';

/** What every entry of a run repeats: only its first one shows it. */
const REPEATED: ReadonlySet<string> = new Set([
  ATTR.OPERATION,
  ATTR.TASK_RUN,
  ATTR.TASK_FILE,
  ATTR.LOG_IOSTREAM,
  ...SUBMISSION_FIELDS,
]);

const STARTED = 'started';

/** What stands between the time and the text. */
interface Head {
  readonly word: string;
  readonly style: StyleName | undefined;
  /** Of the text. */
  readonly textStyle?: StyleName | undefined;
}

const LEVEL_STYLES: Readonly<Record<JobLogMessage['level'], StyleName | undefined>> = {
  DEBUG: 'dim',
  INFO: undefined,
  WARN: 'yellow',
  ERROR: 'red',
};

/** Room of the longest word, `MANIFEST`. */
const WORD_WIDTH = 8;

/** Lines of one entry, without newlines. */
export function entryLines(entry: JobLogEntry, style: TextStyle): readonly string[] {
  const { head, text, pairs } = contentText(entry);
  const [first = '', ...others] = safeLines(text);
  const time = `${entry.timestamp.slice(0, 23).replace('T', ' ')}Z`;
  const shown = pairs.map(([key, value]) => `${safeLine(key)}=${quoted(value)}`).join(' ');
  const line = [
    style('dim', time),
    style(head.style, head.word.padEnd(WORD_WIDTH)),
    style(head.textStyle, first),
    style('dim', shown),
  ]
    .filter((part) => part !== '')
    .join('  ');
  const indent = ' '.repeat(time.length + WORD_WIDTH + 4);
  return [line.trimEnd(), ...others.map((other) => (indent + style(head.textStyle, other)).trimEnd())];
}

interface ContentText {
  readonly head: Head;
  readonly text: string;
  readonly pairs: readonly (readonly [string, string])[];
}

function contentText({ log, metric, event, manifest }: JobLogEntry): ContentText {
  if (metric !== undefined) return metricText(metric);
  if (event !== undefined) return eventText(event);
  if (manifest !== undefined) return manifestText(manifest);
  return logText(log ?? { level: 'INFO', message: '', fields: {} });
}

function logText({ level, message, fields }: JobLogMessage): ContentText {
  const textStyle = fields[ATTR.LOG_IOSTREAM] === 'stderr' ? 'yellow' : undefined;
  const head: Head = { word: level, style: LEVEL_STYLES[level], textStyle };
  const { [ATTR.EXCEPTION_STACKTRACE]: stack, ...others } = fields;
  if (stack === undefined) return { head, text: message, pairs: pairsOf(others) };
  // A stack begins with type and message, which need not stand there twice.
  const { [ATTR.EXCEPTION_TYPE]: _type, [ATTR.EXCEPTION_MESSAGE]: _message, 'event.name': _event, ...more } = others;
  return { head, text: stack.includes(message) ? stack : `${message}\n${stack}`, pairs: pairsOf(more) };
}

function metricText({ name, value, unit, labels }: JobMetricPoint): ContentText {
  const text = unit === '' ? `${name} = ${value}` : `${name} = ${value} ${unit}`;
  return { head: { word: 'METRIC', style: 'cyan' }, text: safeLine(text), pairs: Object.entries(labels) };
}

function eventText({ event_type: type, job_label: label, metadata }: JobEvent): ContentText {
  const { message = '', [ATTR.TASK_STATUS]: status = '', [ATTR.TASK_DURATION]: duration = '', ...others } = metadata;
  const pairs = type === STARTED ? Object.entries(others) : pairsOf(others);
  const took = duration === '' || !Number.isFinite(Number(duration)) ? '' : `after ${durationText(Number(duration))}`;
  const parts = [safeLine(type), safeLine(status), took, message].filter((part) => part !== '');
  return {
    head: { word: 'EVENT', style: BAD.has(status) || BAD.has(type) ? 'red' : 'blue' },
    text: parts.join('  '),
    pairs: label === '' ? pairs : [['label', label], ...pairs],
  };
}

const BAD: ReadonlySet<string> = new Set(['failure', 'orphaned', 'launch_failed']);

function manifestText({ outputs, inputs, start_time: start, end_time: end, metadata }: JobManifest): ContentText {
  const refs = (name: string, list: JobManifest['outputs']): string[] =>
    list.map(({ str }) => `${name} ${safeLine(str)}`);
  const times = start === '' && end === '' ? [] : [`${start === '' ? '?' : start} to ${end === '' ? '?' : end}`];
  return {
    head: { word: 'MANIFEST', style: 'blue' },
    text: [...times, ...refs('output', outputs), ...refs('input', inputs)].join('\n'),
    pairs: Object.entries(metadata),
  };
}

function pairsOf(fields: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(fields).filter(([key]) => !REPEATED.has(key));
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? safeLine(value) : `"${safeLine(value).replaceAll('"', '\\"')}"`;
}
