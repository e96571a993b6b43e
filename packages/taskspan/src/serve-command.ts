import type { AccessToken, JobServer } from '@taskspan/server';
import { type Command, InvalidArgumentError } from 'commander';
import type { Environment } from './config.ts';
import { LogRetention } from './log-retention.ts';
import { countText, sizeText } from './size-text.ts';
import { findStoredLogs, type StoredLogs } from './stored-logs.ts';

interface ServeFlags {
  readonly dir?: readonly string[];
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  readonly serviceToken?: readonly string[];
  readonly allowedHost?: readonly string[];
  readonly prune: boolean;
  readonly json?: boolean;
}

/** Files are counted this often, in milliseconds, also when nobody scrapes: retention may delete them meanwhile. */
const COUNT_EVERY_MS = 60_000;

/** `taskspan serve`: runs, logs and metrics over HTTP, until it is told to end. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('serve runs, logs and metrics over HTTP, and keep the log files within their limits')
    .option('--dir <folder>', 'data folder, or several that are read as one (default: as for an application)', listed)
    .option('--host <address>', 'address to listen on (default: 127.0.0.1); one that others reach needs a token')
    .option('--port <number>', 'port to listen on, or the next free one (default: 4390)', port)
    .option('--token <text>', 'token that requests must bear; TASKSPAN_TOKEN is not seen in the list of processes')
    .option('--service-token <service=token>', 'token that shows the runs of one service.name; may be repeated', listed)
    .option('--allowed-host <name>', 'name by which requests may call this server; may be repeated', listed)
    .option('--no-prune', 'delete and compress nothing, whatever TASKSPAN_RETENTION_* say')
    .option('--json', 'print one JSON object about where it serves')
    .action(async (flags: ServeFlags) => {
      const stored = findStoredLogs({ env: process.env, dirs: flags.dir });
      for (const warning of stored.warnings) process.stderr.write(`taskspan: ${warning}\n`);
      try {
        await serve(stored, flags);
      } catch (error) {
        process.stderr.write(`taskspan: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
      }
    });
}

async function serve(stored: StoredLogs, flags: ServeFlags): Promise<void> {
  const { config, logs, index } = stored;
  const tokens = accessTokens(process.env, flags);
  const [{ startServer }, { JobLogReader, MetricsAggregator }] = await Promise.all([
    import('@taskspan/server'),
    import('@taskspan/joblog'),
  ]);
  const { logRefreshIntervalMs: refreshIntervalMs, logCacheSize: cacheSize, namespace } = config;
  const reader = new JobLogReader({ logs, index, refreshIntervalMs, cacheSize });
  const metrics = new MetricsAggregator({ logs, state: index, namespace });
  const stopped = signalled();
  let server: JobServer;
  try {
    server = await startServer({
      reader,
      metrics,
      tokens,
      host: flags.host,
      port: flags.port,
      allowedHosts: flags.allowedHost,
      onError: (error) => process.stderr.write(`taskspan: a request failed: ${detailsOf(error)}\n`),
    });
  } catch (error) {
    await Promise.all([reader.close(), metrics.close()]);
    throw error;
  }
  // The first scrape and the first list shall not wait until everything has been read. What fails here fails there.
  void metrics.refresh();
  void reader.listJobs({ limit: 1 }).catch(() => undefined);
  const counting = setInterval(() => void metrics.refresh(), COUNT_EVERY_MS);
  // Further folders belong to others, who keep them as they like.
  const retention = flags.prune ? LogRetention.begin(logs[0], config) : undefined;
  if (flags.port !== undefined && flags.port !== 0 && flags.port !== server.port) {
    process.stderr.write(`taskspan: port ${flags.port} is taken, or not allowed: listening on ${server.port}\n`);
  }
  process.stdout.write(greeting(server.url, stored, flags));
  await stopped;
  clearInterval(counting);
  await server.close();
  await Promise.all([reader.close(), metrics.close(), retention?.stop()]);
}

/** The first SIGINT or SIGTERM; a second one has its usual effect. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/** Those of the environment and of the command line. @throws Error for one that is not understood */
function accessTokens(env: Environment, flags: ServeFlags): AccessToken[] {
  const tokens: AccessToken[] = [];
  const token = flags.token ?? (env['TASKSPAN_TOKEN'] || undefined);
  if (token !== undefined) tokens.push({ token });
  const listedInEnv = (env['TASKSPAN_SERVICE_TOKENS'] ?? '').split(',').filter((part) => part.trim() !== '');
  for (const text of flags.serviceToken ?? listedInEnv) {
    const [, service, secret] = /^([^=]+)=(.+)$/s.exec(text.trim()) ?? [];
    // The text is not shown: it holds a secret.
    if (service === undefined || secret === undefined) throw new Error('a token of a service is <service>=<token>');
    tokens.push({ token: secret, service: decoded(service) });
  }
  return tokens;
}

/** A `service.name` may hold commas and equals signs, percent-encoded. */
function decoded(service: string): string {
  try {
    return decodeURIComponent(service);
  } catch {
    throw new Error(`${JSON.stringify(service)} is not percent-encoded`);
  }
}

function greeting(url: string, { logs, config }: StoredLogs, { prune, json }: ServeFlags): string {
  if (json === true) return `${JSON.stringify({ url, logs })}\n`;
  const kept = prune ? config.retention : undefined;
  const limits =
    kept === undefined
      ? 'all'
      : [countText(kept.days, 'day'), sizeText(kept.bytes), countText(kept.files, 'file')].join(', ');
  return [
    `serving  ${url}`,
    `logs     ${logs.join(', ')}`,
    `keeping  ${limits}`,
    `runs     ${url}/api/v1/jobs`,
    `metrics  ${url}/api/v1/metrics`,
    '',
  ].join('\n');
}

function detailsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function listed(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function port(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new InvalidArgumentError('a port from 0 to 65535 is wanted.');
}
