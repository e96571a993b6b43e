/** Who a process is for the others on its disk, and whether the holder of a folder still lives. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import type { SpoolOwner } from './spool-names.ts';

/** `unknown`: it cannot be asked from here; its heartbeat must tell. */
export type Life = 'alive' | 'dead' | 'unknown';

/** This process and thread. */
export function thisOwner(): SpoolOwner {
  const place = [hostname(), readText('/proc/sys/kernel/random/boot_id'), pidNamespace()].join('\n');
  return {
    host: createHash('sha256').update(place).digest('hex').slice(0, 8),
    pid: process.pid,
    start: readStat(process.pid)?.start ?? '0',
    thread: threadId,
  };
}

/** Whether `owner` still lives, as far as it can be known without waiting. */
export function lifeOf(owner: SpoolOwner, self: SpoolOwner): Life {
  // Numbers of processes mean something only on the machine, since the boot and in the container they come from.
  if (owner.host !== self.host) return 'unknown';
  const isSelf = owner.pid === self.pid && owner.start === self.start;
  // The threads of this process end without it.
  if (isSelf) return owner.thread === self.thread ? 'alive' : 'unknown';
  if (!exists(owner.pid)) return 'dead';
  const stat = readStat(owner.pid);
  if (stat === undefined || owner.start === '0') return 'unknown';
  // The number was given to another process, or only its exit code is left of it.
  if (stat.start !== owner.start || stat.ended) return 'dead';
  return owner.thread === 0 ? 'alive' : 'unknown';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Linux only, see proc_pid_stat(5): field 3 is the state, field 22 the start. The name before them may hold anything. */
function readStat(pid: number): { readonly start: string; readonly ended: boolean } | undefined {
  const text = readText(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const start = fields[19];
  if (start === undefined || !/^[0-9]{1,20}$/.test(start)) return undefined;
  return { start, ended: fields[0] === 'Z' || fields[0] === 'X' };
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not on Linux: there is one.
    return '';
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Not on Linux, or gone meanwhile.
    return '';
  }
}
