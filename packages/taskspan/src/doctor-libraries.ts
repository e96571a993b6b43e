import { basename, dirname } from 'node:path';
import { LIBRARIES, type LibraryEntry } from '@taskspan/instrumentations/libraries';
import { isInRange } from '@taskspan/instrumentations/version-range';
import { bundledLibraries } from './bundled-libraries.ts';
import type { Config } from './config.ts';
import type { Finding } from './doctor-finding.ts';
import { ImportWrapperCopy } from './import-wrapper.ts';
import { type InstalledPackage, installedPackages } from './installed-package.ts';
import { liveProcesses } from './process-entries.ts';

export interface LibraryExamination {
  /** Where the application's packages are looked for. */
  readonly folder: string;
  /** Its main file; undefined when only the folder is known. */
  readonly script: string | undefined;
  readonly config: Config;
  /** The folder of the toolkit, in which processes say what they have loaded; undefined when there is none. */
  readonly directory: string | undefined;
  readonly service: string;
  /** What the application's own package.json asks for. */
  readonly dependencies: readonly string[];
  /** Whether it has the official instrumentations, which capture what is adopted here. */
  readonly official: boolean;
}

/** One package of a library. */
interface Candidate {
  readonly entry: LibraryEntry;
  readonly installed: InstalledPackage;
}

const ENTRIES = LIBRARIES.filter(({ packages }) => packages.length > 0);
const REMEDY = 'start the application with `node --import taskspan/register`, before anything else';

/**
 * Which job libraries the application has, whether their jobs are captured, and why not: as they are installed, and as
 * running processes of it have found them.
 */
export function examineLibraries(examination: LibraryExamination): Finding[] {
  const seen = sightings(examination);
  const inBundle = bundled(examination);
  const topics = new Set(inBundle.map(({ topic }) => topic));
  // What lies in node_modules as well is not what a bundle runs.
  const others = installed(examination, seen).filter(({ topic }) => !topics.has(topic));
  return [...inBundle, ...others, ...running(seen), ...tasks()];
}

// --- as installed ---

function installed(examination: LibraryExamination, seen: readonly Sighting[]): Finding[] {
  const { folder, script, dependencies } = examination;
  const names = ENTRIES.flatMap(({ packages }) => packages);
  const found = installedPackages(names, { script, cwd: folder });
  if (found === 'unknown') {
    const place = `packages lie where they cannot be looked up (${dirname(script ?? folder)})`;
    return [
      { level: 'fine', topic: 'job libraries', found: `${place}: a running process will say what it has loaded` },
    ];
  }
  return found.flatMap((one) => {
    const entry = ENTRIES.find(({ packages }) => packages.includes(one.name));
    if (entry === undefined) return [];
    // What only other packages need, and nobody asked for, is not the application's.
    const asked = examination.config.libraries.includes(entry.name) || dependencies.includes(one.name);
    if (!asked) return [];
    const described = describe({ entry, installed: one }, examination);
    // How it is installed says little beside what became of it.
    const amiss = seen.some(({ module, reason }) => module === one.name && reason !== undefined);
    const found = `${one.version} (${entry.supported}): some of its jobs may not be captured, see the running processes`;
    return [amiss && described.level === 'fine' ? { level: 'fine', topic: one.name, found } : described];
  });
}

function describe({ entry, installed: one }: Candidate, examination: LibraryExamination): Finding {
  const { config, official, dependencies } = examination;
  const topic = one.name;
  const { version } = one;
  if (version === undefined) {
    const fix = 'install the packages of the application again: npm ci';
    return { level: 'broken', topic, found: 'its package.json cannot be read', fix };
  }
  if (!config.libraries.includes(entry.name))
    return { level: 'fine', topic, ...switchedOff(entry, { version, config }) };
  if (!isInRange(version, entry.supported)) {
    const fix = `install a version that is: ${entry.supported}`;
    // Something that is needed by another package alone may never run a job.
    const level = dependencies.includes(topic) ? 'broken' : 'warning';
    return { level, topic, found: `${version} is not supported: its jobs are not captured`, fix };
  }
  if (entry.kind === 'adopted' && official) {
    return { level: 'fine', topic, found: `${version}: captured by the application's own instrumentations` };
  }
  return { level: 'fine', topic, found: `${version} (${entry.supported}): its jobs are captured, ${howHooked(one)}` };
}

function switchedOff(
  { name, byDefault }: LibraryEntry,
  { version, config }: { readonly version: string; readonly config: Config },
): Pick<Finding, 'found' | 'fix'> {
  if (!byDefault) {
    return { found: `${version}: not captured unless asked for`, fix: `TASKSPAN_INSTRUMENTATIONS=+${name}` };
  }
  const standard = config.disabledInstrumentations.some((one) => one.toLowerCase() === name);
  const by = standard ? 'OTEL_NODE_DISABLED_INSTRUMENTATIONS' : 'TASKSPAN_INSTRUMENTATIONS';
  return { found: `${version}: switched off by ${by}` };
}

function howHooked({ format }: InstalledPackage): string {
  const inThread = format === 'commonjs' || ImportWrapperCopy.own()?.worksInThread() === true;
  return inThread ? 'by require and by import' : 'by require, and by import through the loader thread';
}

function bundled({ script }: LibraryExamination): Finding[] {
  if (script === undefined) return [];
  const names = ENTRIES.flatMap(({ packages }) => packages);
  return bundledLibraries(script, names).map((topic) => ({
    level: 'broken',
    topic,
    found: `bundled into ${basename(script)}: no hook sees it there, its jobs are not captured`,
    fix: `mark ${topic} as external in the bundler`,
  }));
}

// --- as running ---

/** What processes of the service say of one library. */
interface Sighting {
  readonly module: string;
  /** With its version, where that is known. */
  readonly name: string;
  readonly hooked: boolean;
  readonly reason: string | undefined;
  readonly pids: number[];
}

function sightings({ directory, service }: LibraryExamination): readonly Sighting[] {
  if (directory === undefined) return [];
  const found = new Map<string, Sighting>();
  for (const entry of liveProcesses(directory).filter((one) => one.service === service)) {
    for (const { module, version, hooked, reason } of entry.libraries ?? []) {
      const name = version === undefined ? module : `${module} ${version}`;
      const known = found.get(`${name} ${reason}`);
      if (known !== undefined) known.pids.push(entry.pid);
      else found.set(`${name} ${reason}`, { module, name, hooked, reason, pids: [entry.pid] });
    }
  }
  return [...found.values()];
}

function running(seen: readonly Sighting[]): Finding[] {
  return seen.map((one) => {
    const finding = sighting(one);
    const where = `${one.pids.length === 1 ? 'process' : 'processes'} ${one.pids.join(', ')}`;
    return { ...finding, found: `${finding.found} in ${where}` };
  });
}

function sighting({ name, hooked, reason }: Sighting): Finding {
  const topic = 'running';
  if (hooked && reason === undefined) return { level: 'fine', topic, found: `${name} is hooked` };
  if (hooked) return { level: 'warning', topic, found: `${name} is hooked, but ${reason}`, fix: REMEDY };
  const fix = 'docs/instrumentations.md says which versions are captured, and where';
  return { level: 'broken', topic, found: `${name} is not hooked: ${reason ?? 'nobody knows why'}`, fix };
}

/** What becomes a task, so that nobody waits for what does not. */
function tasks(): Finding[] {
  const found =
    'captured: jobs of the libraries above, calls of runTask and its siblings (runTaskSteps, startTask, startTaskSpan), and spans with an `operation` attribute';
  return [{ level: 'fine', topic: 'tasks', found }];
}
