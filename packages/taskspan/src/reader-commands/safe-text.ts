/**
 * What anybody may have written, on its way to a terminal: nothing of it moves the cursor, changes the title of the
 * window or turns the direction of what follows.
 */

/** C0 and C1 controls and DEL; line and paragraph separators; what changes the direction of text. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** In one line: newlines and tabs are shown as `\n` and `\t`, other controls as `\u001b`. */
export function safeLine(text: string): string {
  return text.replace(UNSAFE, shown);
}

/** In as many lines as it has, tabs left as they are. */
export function safeLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.replace(UNSAFE, (char) => (char === '\t' ? char : shown(char))));
  while (lines.length > 1 && lines.at(-1) === '') lines.pop();
  return lines;
}

const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function shown(char: string): string {
  return NAMES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
