/**
 * Cuts text to at most `maxChars` UTF-16 units in all, the mark included; never in the middle of a surrogate pair.
 *
 * @returns the text, ending in `…[cut N bytes]` when cut, and the number of UTF-8 bytes left out
 */
export function cutText(text: string, maxChars: number): { readonly text: string; readonly cutBytes: number } {
  if (text.length <= maxChars) return { text, cutBytes: 0 };
  const room = '…[cut  bytes]'.length + String(text.length * 3).length;
  let end = Math.max(0, maxChars - room);
  if (end > 0 && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
  const cutBytes = Buffer.byteLength(text.slice(end));
  return { text: `${text.slice(0, end)}…[cut ${cutBytes} bytes]`, cutBytes };
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
