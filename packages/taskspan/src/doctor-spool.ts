import { byteSize, type SpooledFolder, surveySpool } from '@taskspan/delivery';
import type { DeliveryConfig } from '@taskspan/delivery/config';
import type { Finding } from './doctor-finding.ts';
import { exportsAny } from './otlp-export.ts';

const TOPIC = 'spool';

export interface SpoolLook {
  /** The folder of the toolkit. */
  readonly directory: string;
  /** `service.name` of the application. */
  readonly service: string;
  readonly delivery: DeliveryConfig;
}

/** What waits on disk, of whom, and what was refused. Silent where nothing is sent and nothing lies there. */
export async function examineSpool(place: SpoolLook): Promise<Finding[]> {
  const { directory, service, delivery } = place;
  const { path, folders, refused } = await surveySpool(directory, service);
  const sends = exportsAny(delivery);
  const findings: Finding[] = [];
  const alive = folders.filter(({ life }) => life === 'alive');
  const left = folders.filter(({ life }) => life !== 'alive');
  const own = left.filter(({ isForeign }) => !isForeign);
  const foreign = left.filter(({ isForeign }) => isForeign);
  if (alive.length > 0) {
    findings.push({ level: 'fine', topic: TOPIC, found: `${amountOf(alive, path)}, of ${owners(alive, 'running')}` });
  }
  if (own.length > 0) {
    findings.push({
      level: 'warning',
      topic: TOPIC,
      found: `${amountOf(own, path)}, left by ${owners(own, 'gone')}`,
      fix: sends
        ? 'the application sends it at its next start, or within half a minute while it runs'
        : 'start the application with OTEL_EXPORTER_OTLP_ENDPOINT',
    });
  }
  if (foreign.length > 0) {
    findings.push({
      level: 'warning',
      topic: TOPIC,
      found: `${amountOf(foreign, path)}, left by ${owners(foreign, 'gone')}, of another service`,
      fix: 'a process of that service sends it when it runs with this folder; delete it when there is none any more',
    });
  }
  if (findings.length === 0 && sends) findings.push({ level: 'fine', topic: TOPIC, found: `nothing waits in ${path}` });
  if (refused.files > 0) {
    findings.push({
      level: 'warning',
      topic: 'refused',
      found: `${count(refused.files, 'request')}, ${byteSize(refused.bytes)}, refused for good by a receiver: ${refused.path}`,
      fix: `see docs/troubleshooting.md; to have them sent again: mv '${refused.path}' '${path}/v1.free.again'`,
    });
  }
  return findings;
}

function amountOf(folders: readonly SpooledFolder[], path: string): string {
  const files = folders.reduce((sum, folder) => sum + folder.files, 0);
  const bytes = folders.reduce((sum, folder) => sum + folder.bytes, 0);
  const signals = [...new Set(folders.flatMap((folder) => folder.signals))].sort();
  const verb = files === 1 ? 'waits' : 'wait';
  return `${count(files, 'request')}, ${byteSize(bytes)} (${signals.join(', ')}) ${verb} in ${path}`;
}

/** `2 processes that are gone (pid 12, 13)`; who ended in order has left no pid. */
function owners(folders: readonly SpooledFolder[], what: 'running' | 'gone'): string {
  const pids = folders.flatMap(({ pid }) => pid ?? []);
  const known = pids.length === 0 ? '' : ` (pid ${pids.join(', ')})`;
  const isSure = folders.every(({ life }) => life !== 'unknown');
  const state = what === 'running' ? 'running' : isSure ? 'gone' : 'gone or on another machine';
  const be = folders.length === 1 ? 'is' : 'are';
  return `${folders.length} ${folders.length === 1 ? 'process' : 'processes'} that ${be} ${state}${known}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
