import { styleText } from 'node:util';
import type { Environment } from '../config.ts';

export type StyleName = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/** Puts text in a style; where there are no colours, it stays as it is. */
export type TextStyle = (style: StyleName | undefined, text: string) => string;

/**
 * Colours for terminals alone.
 *
 * @param isTerminal whether what is written goes to one; `NO_COLOR` and `FORCE_COLOR` go before it
 */
export function textStyle(env: Environment, isTerminal: boolean): TextStyle {
  if (!hasColours(env, isTerminal)) return (_style, text) => text;
  return (style, text) => (style === undefined || text === '' ? text : styleText(style, text, ALWAYS));
}

/** It was decided already; without this, newer versions of Node decide once more. */
const ALWAYS = { validateStream: false } as const;

/** Source: no-color.org, and how Node itself reads the two. */
function hasColours(env: Environment, isTerminal: boolean): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false;
  return isTerminal;
}
