/**
 * Who this process is, as plain OpenTelemetry resource attributes. Lean, because every line of every file repeats them;
 * and never command arguments, environment or payloads, because those hold secrets.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type AppPackage, scriptName } from './app-package.ts';

export interface ResourceOptions {
  /** `OTEL_SERVICE_NAME`, or the option in code. */
  readonly serviceName: string | undefined;
  /**
   * Those of `OTEL_RESOURCE_ATTRIBUTES` and of the code. Deployment and Kubernetes are told this way alone: the
   * OpenTelemetry operator sets it, and no other variable is documented to hold them.
   */
  readonly resourceAttributes: Readonly<Record<string, string | number>>;
  readonly app: AppPackage | undefined;
  /** The main script, as `process.argv[1]`. */
  readonly script: string | undefined;
}

export type ResourceAttributes = Readonly<Record<string, string | number>>;

/** What the user's own attributes may say least of all. */
const SECRET_KEYS = /^process\.(command|command_args|command_line|environment_variable)(\.|$)/;

/**
 * The attributes of this process (or of this thread, when it exports by itself).
 *
 * `service.instance.id` is a random UUID unless given: without one, the streams of two processes of a service merge
 * in every backend, and counters go wrong.
 *
 * @returns frozen; `service.name` and `service.instance.id` are always there
 */
export function readResource(options: ResourceOptions): ResourceAttributes {
  const given: Record<string, string | number> = {};
  for (const [key, value] of Object.entries(options.resourceAttributes)) {
    if (!SECRET_KEYS.test(key) && value !== '') given[key] = value;
  }
  return Object.freeze({
    'service.instance.id': randomUUID(),
    ...(options.app?.version === undefined ? {} : { 'service.version': options.app.version }),
    'host.name': hostname(),
    'process.pid': process.pid,
    ...given,
    'service.name': serviceName(options, given['service.name']),
  });
}

/** Source: the specification's order of `OTEL_SERVICE_NAME` before `OTEL_RESOURCE_ATTRIBUTES`; then what the app says. */
function serviceName(options: ResourceOptions, attribute: string | number | undefined): string {
  const said = [options.serviceName, attribute === undefined ? undefined : String(attribute)];
  // The SDKs' word for a service without a name tells one from another no better than none.
  const named = said.find((name) => name !== undefined && name !== '' && !name.startsWith('unknown_service'));
  return named ?? options.app?.name ?? scriptName(options.script) ?? 'node';
}
