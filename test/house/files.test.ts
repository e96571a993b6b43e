import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import {
  importsOfTest,
  isBench,
  isCode,
  isTest,
  manifestOf,
  packageFolders,
  projectFiles,
  ROOT,
  readProjectFile,
  relativeTarget,
} from './source-tree.ts';

/** Lines above which a file should be split by its nouns. */
const MAX_LINES = 350;

/** Tests may be longer: their tables of input belong together. */
const MAX_TEST_LINES = 700;

/** Longer files that were looked at and are one thing, with the reason. Keep this short. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'packages/instrumentations/src/library-table.ts': 'one row for each library',
  'packages/joblog/src/entry/generated/joblog_pb.ts': 'generated from the proto',
  'packages/taskspan/src/config-table.ts': 'one row for each setting',
};

/** Parts that no test touches directly: their behaviour is that of the whole, which the test named here proves. */
const PROVED_BY: Readonly<Record<string, readonly string[]>> = {
  'packages/core/src/otlp/log-json.test.ts': ['trace-ids'],
  'packages/delivery/src/exit/exit-flush.test.ts': ['exit-delivery-worker', 'status-sync'],
  'packages/delivery/src/log-export-processor.test.ts': [
    'packages/delivery/src/otlp/refused-item.ts',
    'packages/delivery/src/otlp/waiting-log.ts',
  ],
  'packages/delivery/src/metric-push.test.ts': ['metric-delivery'],
  'packages/delivery/src/outage.test.ts': [
    'export-batch',
    'late-request',
    'packages/delivery/src/spool/open-spool.ts',
    'packages/delivery/src/spool/signal-spool.ts',
  ],
  'packages/delivery/src/span-export-processor.test.ts': ['packages/delivery/src/otlp/otlp-sender.ts'],
  'packages/delivery/src/spool/spool.test.ts': ['spool-index', 'spool-lane'],
  'packages/instrumentations/src/bridges.test.ts': ['captured-line', 'loaded-files', 'tap'],
  'packages/instrumentations/src/base/library-instrumentation.test.ts': [
    'companions',
    'hook',
    'library-state',
    'loaded-modules',
  ],
  'packages/instrumentations/src/base/library-kit.test.ts': ['facts'],
  'packages/instrumentations/src/library-table.test.ts': ['library-entry'],
  'packages/instrumentations/src/libraries/bree.test.ts': ['bree-worker'],
  'packages/instrumentations/src/libraries/bull.test.ts': ['bull-failure', 'bull-job', 'thrown-error'],
  'packages/instrumentations/src/libraries/bullmq.test.ts': [
    'bullmq-enqueue',
    'bullmq-failure',
    'bullmq-job',
    'bullmq-run',
    'bullmq-sandbox',
    'bullmq-slots',
    'telemetry-metadata',
  ],
  'packages/instrumentations/src/libraries/cron.test.ts': ['cron-command', 'schedule-name', 'schedule-slots'],
  'packages/instrumentations/src/libraries/fastq.test.ts': ['callback-handler', 'pushed-tasks'],
  'packages/instrumentations/src/libraries/graphile-worker.test.ts': ['graphile-worker-flags', 'graphile-worker-tasks'],
  'packages/instrumentations/src/libraries/node-cron.test.ts': ['caller-folder'],
  'packages/instrumentations/src/libraries/pg-boss.test.ts': ['pg-boss-job'],
  'packages/instrumentations/src/pino-bridge.test.ts': ['pino-line'],
  'packages/instrumentations/src/winston-bridge.test.ts': [
    'exception-attributes',
    'plain-value',
    'severity',
    'winston-line',
    'winston-logger',
  ],
  'packages/core/src/task-run.test.ts': ['run-details', 'run-records'],
  'packages/taskspan/src/config.test.ts': ['config-source'],
  'packages/taskspan/src/doctor-metrics-port.test.ts': ['process-entries'],
  'packages/taskspan/src/import-watch.test.ts': ['import-hooks', 'import-hooks-thread'],
  'packages/taskspan/src/instrument.test.ts': ['official-package', 'official-set'],
  'packages/taskspan/src/library-loading.test.ts': ['unpatched-libraries'],
  'packages/taskspan/src/register.loggers.test.ts': ['log-bridges'],
  'packages/taskspan/src/register.other-sdk.test.ts': ['late-tracer'],
  'packages/taskspan/src/register.spool.test.ts': ['otlp-export'],
  'packages/joblog/src/index-store/stored-index.attack.test.ts': [
    'day-index',
    'day-parts',
    'day-store',
    'packages/joblog/src/index-store/file-reading.ts',
    'file-scan',
    'folder-changes',
    'part-text',
    'slices',
  ],
  'packages/joblog/src/index-store/job-list.test.ts': ['day-range', 'jobs-filter', 'text-filter', 'text-search'],
  'packages/joblog/src/index-store/scan-threads.test.ts': ['scan-worker', 'text-scan'],
  'packages/joblog/src/job-log-writer.test.ts': [
    'append-batch',
    'append-thread',
    'append-worker',
    'direct-writer',
    'disk-episode',
    'lost-lines',
    'pending-items',
    'run-files',
  ],
  'packages/joblog/src/job-metrics/metrics-state.test.ts': ['counted', 'state-lines'],
  'packages/joblog/src/job-metrics/tree-reading.test.ts': [
    'file-progress',
    'packages/joblog/src/job-metrics/file-reading.ts',
    'file-turns',
    'folder-listing',
    'time-slice',
  ],
  'packages/joblog/src/collect/line-splitter.test.ts': ['escape-sequences', 'held-line'],
  'packages/joblog/src/collect/log-collector.test.ts': ['collected-run', 'event-record'],
  'packages/joblog/src/collect/output-log.test.ts': ['line-budget'],
  'packages/joblog/src/entry/entry-of.test.ts': ['attribute-text', 'entry-content', 'field-key'],
  'packages/taskspan/src/reader-commands/jobs-command.test.ts': ['run-details'],
  'packages/taskspan/src/reader-commands/logs-command.test.ts': ['reader-session', 'request-values'],
  'packages/taskspan/src/reader-commands/printer.test.ts': ['waiting-sign'],
  'packages/server/src/openapi.test.ts': ['answer-schemas'],
  'packages/server/src/start-server.test.ts': ['guard', 'job-routes'],
  'packages/joblog/src/run-command/run-command.test.ts': [
    'forced-end',
    'output-pipe',
    'output-relay',
    'resource-watch',
    'run-show',
    'termination',
  ],
  'packages/taskspan/src/run-command.test.ts': [
    'commands',
    'process-end',
    'packages/joblog/src/run-command/shown-output.ts',
    'packages/joblog/src/run-command/signal-relay.ts',
  ],
  'packages/taskspan/src/command-keeping.test.ts': ['command-span'],
  'packages/joblog/src/reader/job-log-reader.test.ts': [
    'job-log',
    'job-logs',
    'job-needle',
    'job-record',
    'job-trace',
    'job-view',
    'log-request',
    'log-segment',
    'log-source',
    'reader-error',
    'segment-reader',
    'shown-entry',
  ],
  'packages/joblog/src/reader/job-tail.test.ts': ['file-growth'],
  'packages/joblog/src/reader/log-tree.test.ts': ['log-bytes'],
  'packages/metrics/src/task-metrics.test.ts': ['consumer-span', 'instruments', 'metrics-state', 'operation-counters'],
  'test/pack/pack.test.ts': ['packages/taskspan/src/register.ts'],
  'packages/taskspan/src/register.threads.test.ts': ['register-import', 'register-process', 'thread-numbers'],
  'packages/joblog/src/retention/prune-logs.test.ts': ['open-file'],
};

/** Drawers of unrelated things: a file is named by the noun that it defines. */
const DRAWER = /(^|[-_.])(utils?|common|misc|helpers?)([-_.]|$)/i;

/** What no text of the project may contain. */
const FORBIDDEN: Readonly<Record<string, RegExp>> = {
  'an unfinished place': new RegExp(`\\b(${['TO', 'FIX'].map((start, at) => start + ['DO', 'ME'][at]).join('|')})\\b`),
  'a path of one machine': new RegExp(`(^|[\\s"'\`(=:])/(${['work', 'tmp', 'root'].join('|')})/`, 'm'),
  'a registry host': new RegExp(`https?://[^\\s"'/]*(${['registry', 'artifact', 'proxy'].join('|')})[^\\s"'/]*`, 'i'),
  'a tracker number': new RegExp(`\\b(${['issue', 'ticket'].join('|')}) #?\\d+`, 'i'),
};

/** What no code may contain. */
const FORBIDDEN_CODE: Readonly<Record<string, RegExp>> = {
  'a default export': /^export default\b/m,
  'a star export': /^export \*/m,
  'a cast to any': new RegExp(`\\bas ${'any'}\\b`),
  'a switched-off type check': new RegExp(`@ts-(${['ignore', 'nocheck', 'expect-error'].join('|')})`),
  'a coverage exception': new RegExp(`\\b(c8|v8|istanbul) ${'ignore'}\\b`),
};

const files = projectFiles();
const texts = files.filter((file) => /\.(ts|mts|cts|js|mjs|cjs|json|md|ya?ml)$|\/run$|^[^/]*rc$/.test(file));
const code = files.filter(isCode);
const sources = code.filter((file) => /^packages\/[^/]+\/src\//.test(file));

describe('files', () => {
  it('are named by a noun, never after a drawer', () => {
    const drawers = files.filter((file) => file.split('/').some((part) => DRAWER.test(part)));
    assert.deepEqual(drawers, []);
  });

  for (const [what, pattern] of Object.entries(FORBIDDEN)) {
    it(`hold no ${what.replace(/^an? /, '')}`, () => {
      assert.deepEqual(matches(texts, pattern), []);
    });
  }

  for (const [what, pattern] of Object.entries(FORBIDDEN_CODE)) {
    it(`hold no ${what.replace(/^an? /, '')}`, () => {
      assert.deepEqual(matches(code, pattern), []);
    });
  }

  it(`have at most ${MAX_LINES} lines (tests ${MAX_TEST_LINES}), or a reason`, () => {
    const long = code.filter((file) => lineCount(file) > (isTest(file) ? MAX_TEST_LINES : MAX_LINES));
    assert.deepEqual(long, Object.keys(LONG_FILES));
  });

  it('that do something have a test beside them, or one of their package that imports them', () => {
    const imported = new Set(
      sources
        .filter(isTest)
        .flatMap((test) =>
          importsOfTest(readProjectFile(test)).flatMap((specifier) => relativeTarget(test, specifier) ?? []),
        ),
    );
    const proved = new Set(Object.entries(PROVED_BY).flatMap(([test, parts]) => provedParts(test, parts)));
    const untested = sources.filter(
      (file) =>
        !isTest(file) &&
        !isBench(file) &&
        posix.basename(file) !== 'index.ts' &&
        doesSomething(readProjectFile(file)) &&
        !imported.has(file) &&
        !proved.has(file) &&
        !existsSync(join(ROOT, file.replace(/\.ts$/, '.test.ts'))),
    );
    assert.deepEqual(untested, []);
  });

  it('of the list above exist, so that it stays short', () => {
    const gone = Object.entries(PROVED_BY)
      .flatMap(([test, parts]) => [test, ...provedParts(test, parts)])
      .filter((file) => !files.includes(file));
    assert.deepEqual(gone, []);
  });

  it('that are built or installed are not kept', () => {
    const built = files.filter((file) =>
      /(^|\/)(dist|node_modules|coverage|\.taskspan)\/|\.(tsbuildinfo|tgz|map)$/.test(file),
    );
    assert.deepEqual(built, []);
  });
});

describe('package.json', () => {
  for (const folder of packageFolders()) {
    it(`of ${folder} publishes ESM with types, and keeps its inside closed`, () => {
      const manifest = manifestOf(`packages/${folder}`);
      assert.equal(manifest.type, 'module');
      assert.equal(manifest.license, 'Apache-2.0');
      assert.deepEqual(manifest.engines, { node: '^20.19.0 || >=22.12.0' });
      assert.equal(manifest.exports?.['./internal/*'], null);
      for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
        if (target === null || typeof target === 'string') continue;
        // An `import` condition alone would fail under --require.
        const conditions = Object.keys(target).filter((condition) => condition !== 'import');
        assert.deepEqual(conditions, ['types', 'default'], entry);
      }
      assert.ok(files.includes(`packages/${folder}/README.md`), 'README.md');
      assert.ok(files.includes(`packages/${folder}/src/index.ts`), 'src/index.ts');
    });
  }

  it('of all packages carry one version and ask for each other by it', () => {
    const manifests = packageFolders().map((folder) => manifestOf(`packages/${folder}`));
    const [version] = manifests.map((manifest) => manifest.version);
    const own = new Set(manifests.map((manifest) => manifest.name));
    for (const manifest of manifests) {
      assert.equal(manifest.version, version, manifest.name);
      for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
        if (own.has(name)) assert.equal(range, version, `${manifest.name} -> ${name}`);
      }
    }
  });

  it('of the workspace builds and tests every package', () => {
    const { references } = JSON.parse(readProjectFile('tsconfig.json').replace(/^\s*\/\/.*$/gm, '')) as {
      references: { path: string }[];
    };
    assert.deepEqual(
      references.map((reference) => reference.path).sort(),
      packageFolders()
        .map((folder) => `packages/${folder}`)
        .sort(),
    );
  });

  it('needs no network but the registry that is set up: the lock file names no host', () => {
    assert.match(readProjectFile('.npmrc'), /^omit-lockfile-registry-resolved=true$/m);
    assert.doesNotMatch(readProjectFile('package-lock.json'), /"resolved": "(?!packages\/|examples\/)/);
  });

  it('installs on every platform: the lock file names all optional packages', () => {
    assert.deepEqual(missingOptional(), []);
  });
});

/** Packages for other platforms that the lock file lacks: `npm ci` refuses it where a registry does not carry them. */
function missingOptional(): string[] {
  const { packages } = JSON.parse(readProjectFile('package-lock.json')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  return Object.entries(packages).flatMap(([key, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => packages[`node_modules/${name}`] === undefined && packages[`${key}/node_modules/${name}`] === undefined,
    ),
  );
}

/** `file:line text` of each match. */
function matches(among: readonly string[], pattern: RegExp): string[] {
  return among.flatMap((file) => {
    if (file === 'LICENSE' || !pattern.test(readProjectFile(file))) return [];
    const lines = readProjectFile(file).split('\n');
    return lines.flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1} ${line.trim().slice(0, 100)}`] : []));
  });
}

/** Project files of the parts that a test is said to prove; none when the test is gone. */
function provedParts(test: string, parts: readonly string[]): string[] {
  if (!files.includes(test)) return [];
  return parts.map((part) => (part.includes('/') ? part : posix.join(posix.dirname(test), `${part}.ts`)));
}

function lineCount(file: string): number {
  return readProjectFile(file).split('\n').length - 1;
}

/** False for a file of types, re-exports and plain data, which has no behaviour to prove. */
function doesSomething(text: string): boolean {
  return /^(export )?(async )?(function|class)\b|=>|^(await|if|for|try|process|[a-z]\w*\()/m.test(text);
}
