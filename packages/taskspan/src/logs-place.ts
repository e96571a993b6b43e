import { join, resolve } from 'node:path';
import { findAppPackage } from './app-package.ts';
import { type Config, describeWarning, readConfig } from './config.ts';
import { findDirectory } from './directory.ts';
import { readResource } from './resource.ts';

/** Where a command finds the job logs of the application in whose folder it is called. */
export interface LogsPlace {
  readonly config: Config;
  /** Data folder, absolute. */
  readonly dir: string;
  /** Logs folder, absolute. */
  readonly logs: string;
  /** Folder of what is made from the logs, and can be made again. */
  readonly index: string;
  /** What was set and is not understood, as sentences. */
  readonly warnings: readonly string[];
}

/**
 * Decides it as the application does: `--dir` before the environment, before the folder of the application.
 *
 * @param dir data folder that the user names
 * @throws Error where no folder can be used
 */
export function findLogsPlace(dir: string | undefined, env: NodeJS.ProcessEnv = process.env): LogsPlace {
  const config = readConfig(env, dir === undefined ? {} : { dir });
  const warnings = config.warnings.map(describeWarning);
  // A folder that is named is read as it is, and not made.
  if (dir !== undefined) {
    const path = resolve(dir);
    return { config, dir: path, logs: join(path, 'logs'), index: join(path, 'index'), warnings };
  }
  const app = findAppPackage();
  const { serviceName, resourceAttributes } = config;
  const serviceAttributes = readResource({ serviceName, resourceAttributes, app, script: undefined });
  const found = findDirectory({
    env,
    serviceName: String(serviceAttributes['service.name']),
    app,
    dir: config.dir,
    logsDir: config.logsDir,
  });
  const { dir: path, logsDir } = found;
  if (path === undefined || logsDir === undefined) throw new Error(found.warnings.join('; '));
  return { config, dir: path, logs: logsDir, index: join(path, 'index'), warnings: [...warnings, ...found.warnings] };
}
