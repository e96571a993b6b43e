/** Entries of a run's log for people: a line each, or as many as a text has. */
import { ATTR } from '@taskspan/core';
import type { JobEvent, JobLogEntry, JobLogMessage, JobManifest, JobMetricPoint } from '@taskspan/joblog';
import { sizeText } from '../size-text.ts';
import { durationText } from './instant-text.ts';
import { RunFields } from './run-fields.ts';
import { safeLine, safeLines } from './safe-text.ts';
import type { StyleName, TextStyle } from './text-style.ts';

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

/**
 * Lines of one entry, without newlines.
 *
 * @param known what the runs said before; without it, whatever may be an entry's own is shown
 */
export function entryLines(
  entry: JobLogEntry,
  style: TextStyle,
  known: RunFields = new RunFields(),
): readonly string[] {
  const { head, text, pairs } = contentText(entry, known);
  known.learn(entry);
  const [first = '', ...others] = safeLines(text);
  const time = `${entry.timestamp.slice(0, 23).replace('T', ' ')}Z`;
  const shown = pairs.map(([key, value]) => `${safeLine(key)}=${quoted(readable(key, value))}`).join(' ');
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

function contentText({ log, metric, event, manifest }: JobLogEntry, known: RunFields): ContentText {
  if (metric !== undefined) return metricText(metric);
  if (event !== undefined) return eventText(event, known);
  if (manifest !== undefined) return manifestText(manifest);
  return logText(log ?? { level: 'INFO', message: '', fields: {} }, known);
}

function logText({ level, message, fields }: JobLogMessage, known: RunFields): ContentText {
  const textStyle = fields[ATTR.LOG_IOSTREAM] === 'stderr' ? 'yellow' : undefined;
  const head: Head = { word: level, style: LEVEL_STYLES[level], textStyle };
  const { [ATTR.EXCEPTION_STACKTRACE]: stack, ...others } = fields;
  if (stack === undefined) return { head, text: message, pairs: known.ownOf(others) };
  // A stack begins with type and message, which need not stand there twice.
  const { [ATTR.EXCEPTION_TYPE]: _type, [ATTR.EXCEPTION_MESSAGE]: _message, 'event.name': _event, ...more } = others;
  return { head, text: stack.includes(message) ? stack : `${message}\n${stack}`, pairs: known.ownOf(more) };
}

function metricText({ name, value, unit, labels }: JobMetricPoint): ContentText {
  const text = unit === '' ? `${name} = ${value}` : `${name} = ${value} ${unit}`;
  return { head: { word: 'METRIC', style: 'cyan' }, text: safeLine(text), pairs: Object.entries(labels) };
}

function eventText({ event_type: type, job_label: label, metadata }: JobEvent, known: RunFields): ContentText {
  const { message = '', [ATTR.TASK_STATUS]: status = '', [ATTR.TASK_DURATION]: duration = '', ...others } = metadata;
  const pairs = type === STARTED ? Object.entries(others) : known.ownOf(others);
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

const OURS: ReadonlySet<string> = new Set(Object.values(ATTR));

/** Sizes and times of our own in units that people read. */
function readable(key: string, value: string): string {
  const number = OURS.has(key) && value !== '' ? Number(value) : Number.NaN;
  if (!Number.isFinite(number) || number < 0) return value;
  if (key.endsWith('bytes')) return sizeText(number).replace(' ', '');
  return key.endsWith('seconds') ? durationText(number) : value;
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? safeLine(value) : `"${safeLine(value).replaceAll('"', '\\"')}"`;
}
