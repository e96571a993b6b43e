import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { projectFiles, readProjectFile } from './source-tree.ts';

const MAIN = 'otel-collector-config.yaml';
const AGENT = 'collector/agent.yaml';
const AUTH = 'collector/auth.yaml';
const BUILDER = 'collector/builder.yaml';
const JAEGER = 'collector/jaeger.yaml';
const DOCS = 'docs/collector.md';

/** Everything that the Collector or Jaeger is started with. */
const CONFIGS = [MAIN, ...projectFiles().filter((file) => /^collector\/[\w-]+\.yaml$/.test(file) && file !== BUILDER)];

type Section = Readonly<Record<string, unknown>>;

/** What the tests look at of a config. */
interface Config {
  readonly receivers?: Section;
  readonly processors?: Section;
  readonly exporters?: Section;
  readonly extensions?: Section;
  readonly service?: { readonly extensions?: readonly string[] };
}

interface Filter {
  readonly trace_conditions: readonly string[];
}

/** A place that reads an environment variable. */
interface Knob {
  readonly file: string;
  readonly name: string;
  /** Undefined when there is none: it must be set. */
  readonly fallback: string | undefined;
}

const knobs = CONFIGS.flatMap(knobsOf);

describe('files of the Collector', () => {
  it('use exactly the components that it is built of', () => {
    const { dist, providers, ...kinds } = parse(readProjectFile(BUILDER)) as Readonly<
      Record<string, readonly { readonly gomod: string }[]>
    >;
    assert.ok(dist !== undefined && providers !== undefined);
    for (const kind of ['receivers', 'processors', 'exporters', 'extensions'] as const) {
      const built = (kinds[kind] ?? []).map(({ gomod }) => typeOfModule(gomod));
      const used = CONFIGS.filter((file) => file !== JAEGER).flatMap((file) =>
        Object.keys(configOf(file)[kind] ?? {}).map((id) => (id.split('/')[0] ?? '').replaceAll('_', '')),
      );
      assert.deepEqual([...built].sort(), [...new Set(used)].sort(), kind);
    }
    assert.deepEqual(Object.keys(kinds).sort(), ['exporters', 'extensions', 'processors', 'receivers']);
  });

  it('are of one version, which is that of the images', () => {
    const [version, ...others] = new Set(
      [...readProjectFile(BUILDER).matchAll(/(?<!provider )(?:v|version: )(0\.\d+\.\d+)/g)].map((match) => match[1]),
    );
    assert.deepEqual(others, []);
    const imagesOf = (file: string): readonly string[] =>
      [...readProjectFile(file).matchAll(/image: (\S*(?:collector|jaeger)\S*)/g)].map((match) => match[1] ?? '');
    const images = new Set(imagesOf('docker-compose.yml'));
    assert.ok(images.has(`otel/opentelemetry-collector-contrib:${version}`));
    assert.deepEqual(new Set(imagesOf('docs/kubernetes.md')), images);
  });

  it('give an environment variable the same default wherever they read it', () => {
    const defaults = new Map<string, string | undefined>();
    for (const { file, name, fallback } of knobs) {
      if (defaults.has(name)) assert.equal(fallback, defaults.get(name), `${name} in ${file}`);
      defaults.set(name, fallback);
    }
  });

  it('listen on the loopback address unless told otherwise', () => {
    const listening = CONFIGS.flatMap((file) => [
      ...readProjectFile(file).matchAll(/^ *(?:endpoint|host): (.*(?:COLLECTOR|JAEGER)_.*)$/gm),
    ]).map((match) => match[1] ?? '');
    assert.ok(listening.length >= 15);
    const elsewhere = listening.filter((value) => !/:-127\.0\.0\.1(:\d+)?\}$/.test(value));
    // Who sends to gateways has to say where they are.
    assert.deepEqual(
      elsewhere.map((value) => /env:(\w+):-dns:/.exec(value)?.[1]),
      ['COLLECTOR_GATEWAY_ENDPOINT', 'COLLECTOR_GATEWAY_SAMPLED_ENDPOINT'],
    );
  });

  it('choose the file of a span as that of a log record', () => {
    const { processors = {} } = configOf(MAIN);
    const { log_statements: logs, trace_statements: spans } = processors['transform/file'] as Section;
    const asLogs = JSON.stringify(spans)
      .replace(/\bspan\.start_time/g, 'log.time')
      .replace(/\bspan\./g, 'log.');
    assert.deepEqual(JSON.parse(asLogs), logs);
  });

  it('send a run ahead, or let it wait with its trace, never both and never neither', () => {
    const { processors = {} } = configOf(AGENT);
    const [ahead, waiting] = ['filter/poor_runs', 'filter/others'].map(
      (id) => (processors[id] as Filter).trace_conditions,
    );
    assert.deepEqual(ahead, [`not ${waiting?.join()}`]);
  });

  it('keep every extension when a token is asked for', () => {
    const withToken = configOf(AUTH).service?.extensions;
    for (const file of [MAIN, AGENT]) {
      assert.deepEqual(withToken, ['bearertokenauth', ...(configOf(file).service?.extensions ?? [])], file);
    }
  });

  it('are scraped where they show their metrics', () => {
    const ports = ['COLLECTOR_PROMETHEUS_ENDPOINT', 'COLLECTOR_OWN_METRICS_PORT', 'JAEGER_OWN_METRICS_PORT'].map(
      (name) =>
        knobs
          .find((knob) => knob.name === name)
          ?.fallback?.split(':')
          .at(-1),
    );
    for (const [folder, hosts] of [
      ['collector/targets', ['127.0.0.1', '127.0.0.1', '127.0.0.1']],
      ['collector/compose/targets', ['collector', 'collector', 'jaeger']],
    ] as const) {
      const targets = ['applications', 'pipeline'].flatMap((name) =>
        (JSON.parse(readProjectFile(`${folder}/${name}.json`)) as { targets: string[] }[]).flatMap(
          (one) => one.targets,
        ),
      );
      assert.deepEqual(
        targets,
        hosts.map((host, at) => `${host}:${ports[at]}`),
      );
    }
  });

  it(`have each environment variable in ${DOCS}, with its default and the files that read it, and no other`, () => {
    const expected = new Map<string, string>();
    for (const { name, fallback } of knobs) {
      const files = CONFIGS.filter((file) => knobs.some((knob) => knob.file === file && knob.name === name));
      const shown = files.map((file) => file.replace(/^collector\//, '').replace(MAIN, 'main')).join(', ');
      expected.set(name, `${shownDefault(fallback)} | ${shown}`);
    }
    const listed = new Map(
      [...readProjectFile(DOCS).matchAll(/^\| `((?:COLLECTOR|JAEGER)_\w+)` \| (.+? \| .+?) \|/gm)].map(
        ([, name = '', rest = '']) => [name, rest] as const,
      ),
    );
    assert.deepEqual(Object.fromEntries([...listed].sort()), Object.fromEntries([...expected].sort()));
  });
});

function shownDefault(fallback: string | undefined): string {
  if (fallback === undefined) return 'must be set';
  return fallback === '' ? 'none' : `\`${fallback}\``;
}

function configOf(file: string): Config {
  return parse(readProjectFile(file)) as Config;
}

function knobsOf(file: string): readonly Knob[] {
  return [...readProjectFile(file).matchAll(/\$\{env:(\w+)(?::-([^}]*))?\}/g)].map(([, name = '', fallback]) => ({
    file,
    name,
    fallback,
  }));
}

/** `otlp` of `…/otlpreceiver v0.1.0`, without the underscores that names in configs have. */
function typeOfModule(gomod: string): string {
  const [path = ''] = gomod.split(' ');
  const last = path.split('/').at(-1) ?? '';
  // Its name in configs says which of two protocols it speaks.
  if (last === 'otlpexporter') return 'otlpgrpc';
  return last.replace(/(receiver|processor|exporter|extension)$/, '');
}
