const ESC = '\u001b';
const CSI = '\u009b';
const BEL = '\u0007';

/** Parameters, intermediates and the final character of a control sequence. */
const CONTROL = '[0-?]*[ -/]*[@-~]';
/** Titles and links (OSC), and what is meant for devices (DCS, SOS, PM, APC): up to BEL or ESC \. */
const STRING = `[\\]PX^_][^${BEL}${ESC}\\n]*(?:${BEL}|${ESC}\\\\)`;
/** Everything else that begins with ESC; by itself it says nothing either. */
const OTHER = '[ -/]*[0-~]';
const SEQUENCES = new RegExp(`${ESC}(?:\\[${CONTROL}|${STRING}|${OTHER})?|${CSI}${CONTROL}`, 'g');

/**
 * The text without what it tells a terminal (colours, cursor, titles, links): ECMA-48's escape sequences. What a link
 * shows stays.
 */
export function withoutEscapeSequences(text: string): string {
  return text.includes(ESC) || text.includes(CSI) ? text.replace(SEQUENCES, '') : text;
}
