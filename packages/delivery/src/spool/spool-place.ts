import { byteSize } from '../byte-size.ts';

/** Where what cannot be delivered is kept, as the end of a sentence. `root` is the folder of all spools. */
export function spoolPlace(root: string, maxBytes: number): string {
  return `on disk in ${root}, up to ${byteSize(maxBytes)}, and sent later, also by the next process.`;
}
