import { cutText } from '@taskspan/core/hub';
import { LABEL_CHARS, UNKNOWN } from './job-metric-table.ts';

const SURROGATES = /[\ud800-\udfff]/;

/** What stands in a label for a value from a file: text of bounded length that can be written as UTF-8. */
export function labelValue(value: unknown): string {
  if (typeof value !== 'string') return '';
  const { text } = cutText(value, LABEL_CHARS);
  // Two values that differ in a half of a pair would be written as one series twice.
  return SURROGATES.test(text) ? Buffer.from(text).toString() : text;
}

/** The operation that a value stands for: `unknown` unless it is a text with something in it. */
export function operationValue(value: unknown): string {
  return labelValue(value) || UNKNOWN;
}
