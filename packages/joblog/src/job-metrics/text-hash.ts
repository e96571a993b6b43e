import { randomInt } from 'node:crypto';

const HIGH = 2 ** 32;
const HIGH_BITS = 0x1f_ffff;

/**
 * Texts to integers of 53 bits, never 0: of a million texts, one in ten thousand such sets has two that are taken for
 * one. The seed is random, so that nobody can choose file names that are taken for others; it is kept with the hashes.
 */
export class TextHash {
  seed: number = randomInt(1, HIGH);

  of(text: string): number {
    let low = this.seed | 0;
    let high = ~this.seed;
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x85ebca6b);
      high ^= high >>> 13;
    }
    low = Math.imul(low ^ (low >>> 15) ^ high, 0xc2b2ae35);
    return ((high ^ low) & HIGH_BITS) * HIGH + (low >>> 0) || 1;
  }
}
