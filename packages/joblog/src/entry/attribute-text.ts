import { ATTRIBUTES, type NameSpec } from '@taskspan/core';
import type { DecodedValue } from '../decode.ts';

/** Any value of a record as text: texts as they are, lists and maps as JSON, bytes in base64, nothing as nothing. */
export function attributeText(value: DecodedValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'object' ? nestedText(value) : numberText(value);
}

/** In place of what is nested deeper than anybody reads, and than the stack allows. */
const TOO_DEEP = '[nested too deep]';

function nestedText(value: object): string {
  try {
    return JSON.stringify(value, jsonValue);
  } catch (error) {
    if (error instanceof RangeError) return TOO_DEEP;
    throw error;
  }
}

function numberText(value: number | bigint | boolean): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

/** An attribute that a text of an entry makes. */
export type EntryValue = string | number | boolean | string[];

const SPECS: ReadonlyMap<string, NameSpec> = new Map(Object.entries(ATTRIBUTES));

/**
 * The value of an attribute whose text is known, the opposite of {@link attributeText}: in the type that the table of
 * names declares, if that has exactly this text; else the text.
 */
export function typedAttribute(key: string, text: string): EntryValue {
  const type = SPECS.get(key)?.type;
  if (type === undefined || type === 'string') return text;
  const value = typed(type, text);
  return value !== undefined && attributeText(value) === text ? value : text;
}

function typed(type: Exclude<NameSpec['type'], 'string'>, text: string): EntryValue | undefined {
  if (type === 'boolean') return text === 'true';
  if (type === 'string[]') return stringList(text);
  const number = Number(text);
  return type === 'double' || Number.isSafeInteger(number) ? number : undefined;
}

function stringList(text: string): string[] | undefined {
  if (!text.startsWith('["') && text !== '[]') return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return isStringList(list) ? list : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isStringList(list: unknown): list is string[] {
  return Array.isArray(list) && list.every((item) => typeof item === 'string');
}
