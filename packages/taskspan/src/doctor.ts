import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readDeliveryConfig } from '@taskspan/delivery/config';
import { type ApiCopy, findApiCopies } from './api-copies.ts';
import { type AppPackage, dependenciesOf, findAppPackage } from './app-package.ts';
import { describeWarning, type Environment, readConfig } from './config.ts';
import { findDirectory } from './directory.ts';
import type { Finding, FindingLevel } from './doctor-finding.ts';
import { examineLibraries } from './doctor-libraries.ts';
import { examineMetricsPort } from './doctor-metrics-port.ts';
import { examineReceivers } from './doctor-receivers.ts';
import { examineSpool } from './doctor-spool.ts';
import { ImportWrapperCopy } from './import-wrapper.ts';
import { installedPackage } from './installed-package.ts';
import { OFFICIAL } from './official-package.ts';
import { readResource } from './resource.ts';

export interface Examination {
  /** Main file or folder of the application. */
  readonly app: string;
  readonly dir: string | undefined;
  readonly env: Environment;
}

/** Looks at everything that decides whether tasks of this application can be seen. Changes nothing but a probe file. */
export async function examine(examination: Examination): Promise<Finding[]> {
  const place = locate(examination.app);
  if (place === undefined) {
    const fix = 'give the main file of the application, or its folder';
    return [{ level: 'broken', topic: 'application', found: `${examination.app} does not exist`, fix }];
  }
  return [...examineNode(examination.env), ...examinePackages(place), ...(await examineSettings(place, examination))];
}

export function printFindings(findings: readonly Finding[], print: (line: string) => void): void {
  const marks: Readonly<Record<FindingLevel, string>> = { fine: 'ok  ', warning: 'warn', broken: 'FAIL' };
  const width = Math.max(...findings.map((finding) => finding.topic.length));
  for (const { level, topic, found, fix } of findings) {
    print(`${marks[level]}  ${topic.padEnd(width)}  ${found}`);
    if (fix !== undefined) print(`${' '.repeat(8 + width)}-> ${fix}`);
  }
  const broken = findings.filter((finding) => finding.level === 'broken').length;
  print(broken === 0 ? '\nnothing is broken' : `\n${broken} broken`);
}

/** Where packages of the application are looked for. */
interface Place {
  readonly folder: string;
  /** Main file; undefined when only the folder is known. */
  readonly script: string | undefined;
}

function locate(app: string): Place | undefined {
  const path = resolve(app);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isDirectory() ? { folder: path, script: undefined } : { folder: dirname(path), script: path };
}

// --- the runtime ---

/** The lowest versions on which `--require` can load an ES module, which the hook is. */
const LOWEST: Readonly<Record<string, number>> = { '20': 19, '22': 12 };

function examineNode(env: Environment): Finding[] {
  const { node } = process.versions;
  const [major = '0', minor = '0'] = node.split('.');
  const lowest = LOWEST[major];
  const supported = lowest === undefined ? Number(major) >= 23 : Number(minor) >= lowest;
  const fix = 'use Node.js 20.19 or later, 22.12 or later, or 24';
  const version: Finding = { level: supported ? 'fine' : 'broken', topic: 'Node.js', found: node };
  const inThread = ImportWrapperCopy.own()?.worksInThread() === true;
  return [
    supported ? version : { ...version, fix },
    {
      level: 'fine',
      topic: 'module hooks',
      found: inThread ? 'in the thread (module.registerHooks)' : 'loader thread (module.register)',
    },
    ...examineFlags(env),
  ];
}

function examineFlags(env: Environment): Finding[] {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') {
    const fix = 'unset it where tasks are to be seen';
    return [{ level: 'broken', topic: 'OTEL_SDK_DISABLED', found: 'true: nothing is recorded', fix }];
  }
  const options = env['NODE_OPTIONS'] ?? '';
  if (!options.includes('taskspan/register')) return [];
  return [{ level: 'fine', topic: 'NODE_OPTIONS', found: 'loads taskspan/register in every Node.js process' }];
}

// --- what is installed ---

const API = '@opentelemetry/api';
/** Lowest api that works, and the first that does not. */
const API_RANGE = { lowest: [1, 9], below: [1, 11] } as const;

function examinePackages(place: Place): Finding[] {
  const app = findAppPackage({ script: place.script, cwd: place.folder });
  const found =
    app === undefined
      ? 'no package.json'
      : [app.name ?? 'without a name', app.version, 'in', app.folder].filter((part) => part !== undefined).join(' ');
  const named: Finding = { level: app?.name === undefined ? 'warning' : 'fine', topic: 'application', found };
  return [
    app?.name === undefined ? { ...named, fix: 'set OTEL_SERVICE_NAME, or add a package.json with a name' } : named,
    ...examineApi(place),
    ...examineSdk(place),
    ...examineLoggers(place),
  ];
}

/** Every copy that decides whether spans of the application and ours meet. */
function examineApi(place: Place): Finding[] {
  const [ours, ...theirs] = findApiCopies({ script: place.script, cwd: place.folder }).api;
  if (ours === undefined) {
    return [{ level: 'broken', topic: API, found: 'not installed', fix: `npm install ${API}` }];
  }
  const findings = [ours, ...theirs].map(apiVersion);
  if (theirs.length > 0) {
    findings.push({
      level: 'warning',
      topic: 'copies of the api',
      found: [ours, ...theirs].map(({ version, folder }) => `${version} in ${folder}`).join(', '),
      fix: 'they work together here; `npm dedupe` leaves one where the versions allow it',
    });
  }
  return findings;
}

function apiVersion({ version }: ApiCopy): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const { lowest, below } = API_RANGE;
  const supported = major === lowest[0] && minor >= lowest[1] && minor < below[1];
  const finding: Finding = { level: supported ? 'fine' : 'broken', topic: API, found: version };
  return supported ? finding : { ...finding, fix: `install ${API} >=${lowest.join('.')}.0 <${below.join('.')}.0` };
}

const SDKS = ['@opentelemetry/sdk-node', '@opentelemetry/sdk-trace-node', '@opentelemetry/sdk-trace', OFFICIAL];

function examineSdk(place: Place): Finding[] {
  const found = SDKS.map((name) => [name, installedPackage(name, place.folder)] as const).filter(
    ([, one]) => one !== undefined,
  );
  const findings = found.map(([name, one]): Finding => {
    if (one?.version === undefined) return unreadable(name);
    return { level: 'fine', topic: name, found: one.version };
  });
  if (installedPackage('@opentelemetry/sdk-node', place.folder) === undefined) return findings;
  return [
    ...findings,
    {
      level: 'warning',
      topic: 'own SDK',
      found: 'the application can start an OpenTelemetry SDK of its own',
      fix: "if it does, plug the pieces in: import { taskProcessors, taskSampler, taskViews } from 'taskspan/sdk'",
    },
  ];
}

function unreadable(name: string): Finding {
  const fix = 'install the packages of the application again: npm ci';
  return { level: 'broken', topic: name, found: 'its package.json cannot be read', fix };
}

const LOGGERS: Readonly<Record<string, number>> = { winston: 3, pino: 7 };

function examineLoggers(place: Place): Finding[] {
  return Object.entries(LOGGERS).flatMap(([name, lowest]): Finding[] => {
    const one = installedPackage(name, place.folder);
    if (one === undefined) return [];
    if (one.version === undefined) return [unreadable(name)];
    if (Number(one.version.split('.')[0]) >= lowest) {
      return [{ level: 'fine', topic: name, found: `${one.version}: lines inside a run land in its log` }];
    }
    const fix = `update to ${name} ${lowest} or later`;
    return [{ level: 'warning', topic: name, found: `${one.version} is too old to be captured`, fix }];
  });
}

// --- settings, folder, network ---

async function examineSettings(place: Place, { env, dir }: Examination): Promise<Finding[]> {
  const config = readConfig(env, dir === undefined ? {} : { dir });
  const delivery = readDeliveryConfig(config.otlpEnvironment);
  const warnings = [...config.warnings.map(describeWarning), ...delivery.warnings];
  const findings = warnings.map(
    (found): Finding => ({ level: 'warning', topic: 'setting', found, fix: 'see docs/config.md' }),
  );
  const folder = examineFolder(place, env, config);
  const { dir: directory, service, app } = folder;
  const dependencies = app === undefined ? [] : dependenciesOf(app);
  const official = installedPackage(OFFICIAL, place.folder) !== undefined;
  const { folder: at, script } = place;
  findings.push(
    ...folder.findings,
    ...examineLibraries({ folder: at, script, config, directory, service, dependencies, official }),
  );
  if (delivery.prometheus) {
    const address = { host: config.prometheusHost, port: config.prometheusPort };
    findings.push(await examineMetricsPort(address, directory));
  }
  findings.push(...(await examineReceivers(delivery)));
  if (directory !== undefined) findings.push(...(await examineSpool({ directory, service, delivery })));
  return findings;
}

interface Folder {
  readonly dir: string | undefined;
  /** `service.name`. */
  readonly service: string;
  readonly app: AppPackage | undefined;
  readonly findings: readonly Finding[];
}

function examineFolder(place: Place, env: Environment, config: ReturnType<typeof readConfig>): Folder {
  const app = findAppPackage({ script: place.script, cwd: place.folder });
  const resource = readResource({
    serviceName: config.serviceName,
    resourceAttributes: config.resourceAttributes,
    app,
    script: place.script,
  });
  const service = String(resource['service.name']);
  const found = findDirectory({ env, serviceName: service, app, dir: config.dir, logsDir: config.logsDir });
  const warnings = found.warnings.map(
    (warning): Finding => ({ level: found.dir === undefined ? 'broken' : 'warning', topic: 'folder', found: warning }),
  );
  const findings: Finding[] = [{ level: 'fine', topic: 'service.name', found: service }, ...warnings];
  if (!config.files) findings.push({ level: 'fine', topic: 'files', found: 'off (TASKSPAN_FILES)' });
  else if (found.logsDir !== undefined) findings.push({ level: 'fine', topic: 'logs folder', found: found.logsDir });
  return { dir: found.dir, service, app, findings };
}
