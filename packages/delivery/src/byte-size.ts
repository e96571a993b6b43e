const KIB = 1024;
const MIB = 1024 * KIB;

/** A number of bytes as people read it: `12 KiB` below a MiB, `1.5 MiB` above. Never less than it is. */
export function byteSize(bytes: number): string {
  return bytes < MIB ? `${Math.ceil(bytes / KIB)} KiB` : `${Math.ceil((bytes / MIB) * 10) / 10} MiB`;
}
