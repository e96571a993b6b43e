/**
 * Names of what lies in the spool: a folder's name says whose it is, a file's what it holds. So both change hands by
 * one `rename`, and nothing must be opened to know the order.
 */
import { createHash } from 'node:crypto';
import type { DropSignal } from '@taskspan/core/hub';

/** Who holds a folder. */
export interface SpoolOwner {
  /** 8 hex digits: machine, boot and process namespace. */
  readonly host: string;
  readonly pid: number;
  /** When the process began, in ticks since the boot; `0` where the system does not tell. */
  readonly start: string;
  /** Worker thread; 0 is the main thread. */
  readonly thread: number;
}

/** What the name of a folder says. */
export interface SpoolFolderName {
  /** `free`: given away by who had it. */
  readonly owner: SpoolOwner | 'free';
  /** Whose data it is, see `serviceKey`; undefined: anybody may send it where it sends its own. */
  readonly service: string | undefined;
}

/** What one file holds. */
export interface SpoolFileName {
  /** Number of its first item, counted by the process that wrote it: the order within a folder and signal. */
  readonly ordinal: number;
  /** Epoch milliseconds. */
  readonly createdMs: number;
  readonly signal: DropSignal;
  /** The last point of cumulative metrics: a newer one makes it worthless. */
  readonly last: boolean;
  readonly items: number;
  readonly format: 'json' | 'pb';
  readonly gzip: boolean;
}

const FOLDER =
  /^v1\.([0-9a-f]{8})\.([0-9]{1,10})\.([0-9]{1,20})\.([0-9]{1,10})(?:\.of-([0-9a-f]{8}))?\.[A-Za-z0-9_-]{1,64}$/;
const FREE_FOLDER = /^v1\.free(?:\.of-([0-9a-f]{8}))?\.[A-Za-z0-9_-]{1,64}$/;
const FILE =
  /^([0-9]{15})-([0-9]{13})(?:-[A-Za-z0-9]{1,16})?\.(spans|logs|metrics)(-last)?\.([0-9]{1,9})\.(json|pb)(\.gz)?$/;

/** Files under this name are being written. */
export const UNFINISHED = 'tmp-';

/** @param nonce makes the name a new one: a rename to a name that exists is no claim */
export function folderName({ owner, service }: SpoolFolderName, nonce: string): string {
  const who = owner === 'free' ? 'free' : `${owner.host}.${owner.pid}.${owner.start}.${owner.thread}`;
  return `v1.${who}${service === undefined ? '' : `.of-${service}`}.${nonce}`;
}

/** The name of a folder that its owner gives away: the next process of the service may have it at once. */
export function freedName(name: string, nonce: string): string {
  return folderName({ owner: 'free', service: parseFolderName(name)?.service }, nonce);
}

/** @returns undefined for what is none of ours or of a later version: that is left alone */
export function parseFolderName(name: string): SpoolFolderName | undefined {
  const free = FREE_FOLDER.exec(name);
  if (free !== null) return { owner: 'free', service: free[1] };
  const [, host, pid, start, thread, service] = FOLDER.exec(name) ?? [];
  if (host === undefined || start === undefined) return undefined;
  return { owner: { host, pid: Number(pid), start, thread: Number(thread) }, service };
}

/**
 * 8 hex digits for a service: its data is sent by its own processes alone, wherever they send it by then. Another
 * service that uses the same folder may send to somebody else.
 */
export function serviceKey(service: string): string {
  return createHash('sha256').update(service).digest('hex').slice(0, 8);
}

/** @param writer letters and digits that keep the names of several processes apart in one folder */
export function fileName(file: SpoolFileName, writer?: string): string {
  const number = String(Math.max(0, Math.trunc(file.ordinal))).padStart(15, '0');
  const time = String(Math.min(Math.max(0, Math.trunc(file.createdMs)), 9_999_999_999_999)).padStart(13, '0');
  const from = writer === undefined ? '' : `-${writer}`;
  const what = `${file.signal}${file.last ? '-last' : ''}.${file.items}.${file.format}${file.gzip ? '.gz' : ''}`;
  return `${number}-${time}${from}.${what}`;
}

/** @returns undefined for a foreign file, which is left alone */
export function parseFileName(name: string): SpoolFileName | undefined {
  const [, ordinal, createdMs, signal, last, items, format, gzip] = FILE.exec(name) ?? [];
  if (signal === undefined) return undefined;
  return {
    ordinal: Number(ordinal),
    createdMs: Number(createdMs),
    signal: signal as DropSignal,
    last: last !== undefined,
    items: Number(items),
    format: format === 'pb' ? 'pb' : 'json',
    gzip: gzip !== undefined,
  };
}
