/** A process and all below it, as the system tells: what they use, and who they are. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** What a process and all below it use. */
export interface TreeUse {
  /** Resident memory now; what processes share counts for each. */
  readonly rssBytes: number;
  /** The most that the kernel has seen of any of them alone. */
  readonly peakBytes: number;
  /** Processor time, also of children of theirs that are gone and were waited for. */
  readonly cpuSeconds: number;
  readonly processes: number;
}

/** A process that cannot be mistaken for a later one with its id. */
export interface KnownProcess {
  readonly pid: number;
  /** When it was started, in ticks since boot; undefined where the system does not tell. */
  readonly startTicks: number | undefined;
}

interface ProcessStat {
  readonly parent: number;
  readonly state: string;
  readonly cpuTicks: number;
  readonly startTicks: number;
}

/** USER_HZ: 100 on every Linux that user programs see. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;
const isLinux = process.platform === 'linux';
const tellsChildren = isLinux && existsSync(`/proc/self/task/${process.pid}/children`);

/** The tree below `root`, itself first; only `root` where the system cannot be asked at once. */
export function processTree(root: number): readonly KnownProcess[] {
  if (!isLinux) return [{ pid: root, startTicks: undefined }];
  const found: KnownProcess[] = [];
  const childrenOf = tellsChildren ? toldChildren : scannedChildren();
  const waiting = [root];
  const seen = new Set(waiting);
  for (let pid = waiting.shift(); pid !== undefined; pid = waiting.shift()) {
    const stat = readStat(pid);
    if (stat === undefined) continue;
    found.push({ pid, startTicks: stat.startTicks });
    for (const child of childrenOf(pid)) {
      if (!seen.has(child)) waiting.push(child);
      seen.add(child);
    }
  }
  return found;
}

/** True while that very process is there and not a zombie. */
export function isAlive({ pid, startTicks }: KnownProcess): boolean {
  if (startTicks === undefined) return true;
  const stat = readStat(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** Use of the tree below `root`; undefined when it is gone, or where the system does not tell. */
export async function treeUse(root: number): Promise<TreeUse | undefined> {
  if (isLinux) return linuxTreeUse(root);
  if (process.platform === 'win32') return undefined;
  try {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,rss=,time=']);
    return useInTable(stdout, root);
  } catch {
    // No such program: then this cannot be known.
    return undefined;
  }
}

/** The same at once, where the system can be asked at once. */
export function linuxTreeUse(root: number): TreeUse | undefined {
  let [rssBytes, peakBytes, cpuTicks, processes] = [0, 0, 0, 0];
  for (const { pid } of processTree(root)) {
    const stat = readStat(pid);
    if (stat === undefined) continue;
    const memory = readText(`/proc/${pid}/status`) ?? '';
    rssBytes += kibibytes(memory, 'VmRSS');
    peakBytes = Math.max(peakBytes, kibibytes(memory, 'VmHWM'));
    cpuTicks += stat.cpuTicks;
    processes += 1;
  }
  if (processes === 0) return undefined;
  return { rssBytes, peakBytes, cpuSeconds: cpuTicks / TICKS_PER_SECOND, processes };
}

/** Processor seconds of all children of this process that have ended; undefined where the system does not tell. */
export function endedChildrenSeconds(): number | undefined {
  const fields = isLinux ? statFields('self') : undefined;
  return fields === undefined ? undefined : (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** True when this process is one of those that the terminal sends its signals to. */
export function isTerminalForeground(): boolean {
  if (!isLinux) return process.stdin.isTTY === true || process.stdout.isTTY === true;
  const [, , group, , terminal, foreground] = statFields('self') ?? [];
  return terminal !== undefined && terminal !== '0' && group === foreground;
}

/** True when a process has a handler of its own for a signal. */
export function handlesSignal(pid: number, signalNumber: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(signalNumber - 1)) & 1n) === 1n;
}

/** The fields of `/proc/<pid>/stat` from the third one (state) on; the second may hold anything. */
function statFields(pid: number | 'self'): readonly string[] | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readStat(pid: number): ProcessStat | undefined {
  const fields = statFields(pid);
  if (fields === undefined) return undefined;
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
  return {
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    cpuTicks: (user ?? 0) + (system ?? 0) + (childUser ?? 0) + (childSystem ?? 0),
    startTicks: Number(fields[19]),
  };
}

/** Children by the kernel's own lists, one for each thread: a few reads, however many processes there are. */
function toldChildren(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      (readText(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

/** The same from the parents of all processes, for kernels without these lists. */
function scannedChildren(): (pid: number) => readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? readStat(pid)?.parent : undefined;
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  return (pid) => children.get(pid) ?? [];
}

function kibibytes(status: string, key: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * KIB;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The process has ended, or belongs to somebody who lets nobody look.
    return undefined;
  }
}

/** Use of the tree below `root`, in a table of `ps -o pid=,ppid=,rss=,time=`. */
export function useInTable(table: string, root: number): TreeUse | undefined {
  const rows = table.split('\n').flatMap((line) => {
    const [pid, parent, rss, time] = line.trim().split(/\s+/);
    if (time === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), rssBytes: Number(rss) * KIB, seconds: clockSeconds(time) }];
  });
  const tree = new Set([root]);
  // Each pass finds one more generation.
  for (let size = 0; size < tree.size; ) {
    size = tree.size;
    for (const { pid, parent } of rows) if (tree.has(parent)) tree.add(pid);
  }
  const found = rows.filter(({ pid }) => tree.has(pid));
  if (found.length === 0) return undefined;
  return {
    rssBytes: found.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    peakBytes: Math.max(...found.map(({ rssBytes }) => rssBytes)),
    cpuSeconds: found.reduce((sum, { seconds }) => sum + seconds, 0),
    processes: found.length,
  };
}

/** `[[dd-]hh:]mm:ss[.ff]` */
function clockSeconds(text: string): number {
  const [clock = '', days = '0'] = text.split('-').reverse();
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
}
