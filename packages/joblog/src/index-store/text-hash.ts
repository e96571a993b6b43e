/** FNV-1a, 32 bits, never 0: 0 says that there is no text. Texts that share one are told apart by who looks them up. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // Its low bits alone are weak: tables take them.
  hash ^= hash >>> 15;
  return hash >>> 0 || 1;
}
