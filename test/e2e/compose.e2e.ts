/** `docker-compose.yml` as Docker reads it. That it also runs needs a container engine, which these tests do without. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { ROOT } from '../house/source-tree.ts';
import { composeCommand } from '../servers/compose-program.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

const ONE_SHOT = 'folders';

describe('docker-compose.yml', () => {
  let command: readonly string[];
  /** The file with everything filled in, one service for each key. */
  let services: ReadonlyMap<string, string>;
  let scratch: ScratchFolder;
  /** In place of the `.env` of whoever runs the tests. */
  let noVariables: string;
  before(async function () {
    // The first time on a machine the program may have to be installed.
    this.timeout(120_000);
    command = await composeCommand();
    scratch = new ScratchFolder();
    noVariables = join(scratch.path, '.env');
    writeFileSync(noVariables, '');
    services = servicesOf(config({ GRAFANA_ADMIN_PASSWORD: 'secret' }));
  });

  after(() => scratch?.remove());

  it('is valid, and needs a password for Grafana and nothing else', () => {
    assert.deepEqual([...services.keys()].sort(), [
      'app',
      'collector',
      'collector-probe',
      'folders',
      'grafana',
      'jaeger',
      'jaeger-probe',
      'prometheus',
    ]);
    assert.throws(() => config({}), /set a password for Grafana/);
  });

  it('opens loopback ports only', () => {
    const ports = [...services].flatMap(([name, text]) => blockOf(text, 'ports').map((port) => `${name} ${port}`));
    assert.ok(ports.length >= 5, ports.join());
    const strays = ports.filter((port) => !port.includes('127.0.0.1'));
    assert.deepEqual(strays, []);
  });

  it('lets every port of the host be another one', () => {
    const names = ['PORT_OTLP_GRPC', 'PORT_OTLP_HTTP', 'PORT_PROMETHEUS', 'PORT_JAEGER', 'PORT_GRAFANA'];
    const others = Object.fromEntries(names.map((name, at) => [name, String(50_001 + at)]));
    const published = [...servicesOf(config({ GRAFANA_ADMIN_PASSWORD: 'secret', ...others }))].flatMap(([, text]) =>
      blockOf(text, 'ports').map((port) => /\b5000\d\b/.exec(port)?.[0]),
    );
    assert.deepEqual(published.sort(), Object.values(others));
  });

  it('pins every image to a version', () => {
    for (const [name, text] of services) {
      const image = /^ {4}image: (\S+)$/m.exec(text)?.[1];
      if (image === undefined) assert.match(text, /^ {6}dockerfile: /m, name);
      else assert.match(image, /:v?\d+\.\d+\.\d+$/, name);
    }
  });

  it('asks every service that stays whether it is well, itself or by a probe in its network', () => {
    const asked = new Set(
      [...services].flatMap(([name, text]) =>
        /^ {4}healthcheck:$/m.test(text) ? [name, /^ {4}network_mode: service:(\S+)$/m.exec(text)?.[1] ?? name] : [],
      ),
    );
    assert.deepEqual(
      [...services.keys()].filter((name) => name !== ONE_SHOT && !asked.has(name)),
      [],
    );
  });

  it('takes rights away from every service', () => {
    for (const [name, text] of services) {
      assert.match(text, /^ {4}read_only: true$/m, name);
      assert.match(text, /^ {4}cap_drop:\n +- ALL$/m, name);
      assert.match(text, /^ +- no-new-privileges:true$/m, name);
    }
  });

  it('uses the files that work without containers, and no other', () => {
    const mounted = [...services.values()]
      .flatMap((text) => blockOf(text, 'volumes'))
      .flatMap((volume) => new RegExp(`${ROOT}[^:\\s]*`).exec(volume)?.[0] ?? [])
      .map((path) => relative(ROOT, path));
    assert.deepEqual(mounted.sort(), [
      'collector/compose/targets',
      'collector/grafana/provisioning',
      'collector/jaeger.yaml',
      'collector/prometheus.yml',
      'otel-collector-config.yaml',
    ]);
    for (const path of mounted) assert.ok(existsSync(`${ROOT}/${path}`), path);
  });

  function config(env: Readonly<Record<string, string>>): string {
    const [program = '', ...args] = command;
    const { PATH = '', HOME = '' } = process.env;
    return execFileSync(program, [...args, '--env-file', noVariables, 'config'], {
      cwd: ROOT,
      env: { PATH, HOME, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
});

/** Texts of the services, by name, as `config` prints them: two spaces more for each level. */
function servicesOf(text: string): ReadonlyMap<string, string> {
  const part = /^services:\n((?: .*\n)*)/m.exec(text)?.[1] ?? '';
  const names = [...part.matchAll(/^ {2}([\w-]+):$/gm)];
  return new Map(
    names.map((match, at) => [match[1] ?? '', part.slice(match.index, names[at + 1]?.index ?? part.length)]),
  );
}

/** Entries of a list of a service; a short one is a line, a long one all its lines. */
function blockOf(service: string, key: string): string[] {
  const block = new RegExp(`^ {4}${key}:\\n((?: {4}(?:-| ).*\\n)*)`, 'm').exec(service)?.[1] ?? '';
  return block.split(/^(?: {4}| {6})- /m).slice(1);
}
