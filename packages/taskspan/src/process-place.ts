import { dirname } from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { reportOnce } from '@taskspan/core/hub';
import { type AppPackage, findAppPackage } from './app-package.ts';
import type { Config } from './config.ts';
import { findDirectory } from './directory.ts';
import { type ResourceAttributes, readResource } from './resource.ts';

/** Who this process is, and where it writes. */
export interface ProcessPlace {
  /** Resource of all that leaves the process. */
  readonly attributes: ResourceAttributes;
  /** `service.name`. */
  readonly service: string;
  /** `service.instance.id`; worker threads have one of their own. */
  readonly instanceId: string;
  /** Folder of the toolkit, absolute; undefined when nothing can be written. */
  readonly directory: string | undefined;
  /** Folder of the log files, absolute; undefined when none are written. */
  readonly logsFolder: string | undefined;
}

interface Folders {
  readonly dir: string | undefined;
  readonly logsDir: string | undefined;
}

/** What the main thread hands to its worker threads: they write where it writes. */
const FOLDERS_KEY = 'taskspan.v1.folders';

/** Decides it once for a process; worker threads take over the folders of the main thread. Problems are reported. */
export function findProcessPlace(config: Config): ProcessPlace {
  const app = withoutOwnVersion(findAppPackage());
  const attributes = readResource({
    serviceName: config.serviceName,
    resourceAttributes: config.resourceAttributes,
    app,
    script: process.argv[1],
  });
  const service = String(attributes['service.name']);
  const { dir, logsDir } = handedOver() ?? findFolders(config, service, app);
  if (isMainThread) setEnvironmentData(FOLDERS_KEY, { dir, logsDir });
  return {
    attributes,
    service,
    instanceId: String(attributes['service.instance.id']),
    directory: dir,
    logsFolder: config.files ? logsDir : undefined,
  };
}

/** The command line in a folder of no package: its version says nothing of what it runs. */
function withoutOwnVersion(app: AppPackage | undefined): AppPackage | undefined {
  return app?.folder === dirname(import.meta.dirname) ? { ...app, version: undefined } : app;
}

function handedOver(): Folders | undefined {
  return isMainThread ? undefined : (getEnvironmentData(FOLDERS_KEY) as Folders | undefined);
}

function findFolders(config: Config, serviceName: string, app: ReturnType<typeof findAppPackage>): Folders {
  const found = findDirectory({ env: process.env, serviceName, app, dir: config.dir, logsDir: config.logsDir });
  for (const warning of found.warnings) reportOnce(`directory.${warning}`, warning);
  return found;
}
