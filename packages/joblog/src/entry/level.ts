import { SEVERITY } from '@taskspan/core';
import { severityText } from '@taskspan/core/hub';
import { type JobLogLevel, LOG_LEVELS } from './job-log-entry.ts';

const SEVERITIES: Readonly<Record<JobLogLevel, number>> = {
  DEBUG: SEVERITY.debug,
  INFO: SEVERITY.info,
  WARN: SEVERITY.warn,
  ERROR: SEVERITY.error,
};

/** OTel severity number of a level. */
export function severityOfLevel(level: JobLogLevel): number {
  return SEVERITIES[level];
}

/**
 * Level of a record: 1-8 DEBUG, 9-12 INFO, 13-16 WARN, 17-24 ERROR. Without a number it is what the text says, and
 * INFO where that says nothing either.
 */
export function levelOfSeverity(severityNumber: number, text: string): JobLogLevel {
  const word = severityText(severityNumber) || text;
  return parseLevelWord(word) ?? 'INFO';
}

/**
 * A level of a request: its name in any case, or its number, 0 to 3.
 *
 * @returns undefined for anything else
 */
export function parseLevel(value: string | number): JobLogLevel | undefined {
  const text = String(value);
  if (/^[0-3]$/.test(text)) return LOG_LEVELS[Number(text)];
  const name = text.toUpperCase();
  return LOG_LEVELS.find((level) => level === name);
}

/** Words of other logging systems, and what printers of protobuf's JSON may put before the name. */
const WORDS: Readonly<Record<string, JobLogLevel>> = {
  TRACE: 'DEBUG',
  VERBOSE: 'DEBUG',
  NOTICE: 'INFO',
  WARNING: 'WARN',
  CRITICAL: 'ERROR',
  FATAL: 'ERROR',
};

/** A level as a program writes it: as {@link parseLevel}, and the words of other logging systems. */
export function parseLevelWord(value: string | number): JobLogLevel | undefined {
  const name = String(value)
    .toUpperCase()
    .replace(/^LOG_LEVEL_/, '');
  return parseLevel(name) ?? (Object.hasOwn(WORDS, name) ? WORDS[name] : undefined);
}
