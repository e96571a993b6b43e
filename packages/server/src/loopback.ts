import { isIP } from 'node:net';

/**
 * Whether an address can only be reached from this host: `127.0.0.0/8`, `::1`, and the former written as IPv6.
 *
 * @param address an IP address without brackets; names are never loopback here
 */
export function isLoopback(address: string): boolean {
  const ip = plainAddress(address);
  return ip === '::1' || (isIP(ip) === 4 && ip.startsWith('127.'));
}

/** An IP address in one way of writing: IPv4 inside IPv6 as IPv4, no zone, IPv6 as short as it can be. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.toLowerCase().split('%');
  if (isIP(bare) !== 6) return bare;
  // The URL parser knows every way of writing an IPv6 address, and has one of its own.
  const short = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const bits = Number.parseInt(mapped[1] ?? '', 16) * 0x1_0000 + Number.parseInt(mapped[2] ?? '', 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}
