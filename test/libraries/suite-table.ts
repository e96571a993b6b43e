import { dirname, join } from 'node:path';

/** A test suite of a job library, and how it is turned on the package that the library publishes. */
export interface OwnSuite {
  /** Name of the package, and of the folder of its checkout. */
  readonly name: string;
  /** Folder of the tests, below the checkout. */
  readonly tests: string;
  /** Where sources that tests import are in the package: pattern of a path below the checkout without its ending. */
  readonly published: Replacements;
  /** What else has to be different in the tests, and why. */
  readonly edits?: Replacements;
  /** Names of tests that look at where the enqueuer's context travels: these alone may differ. */
  readonly carrierShows?: RegExp;
  /** Further files of the copy, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Arguments for Node; TAP comes out. */
  readonly command: readonly string[];
  /** True where a test is a comment, followed by a line for each of its assertions. */
  readonly tape?: true;
  /** Packages that the command needs and the library does not install. */
  readonly needs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** What has to listen where it usually does, empty. */
  readonly server?: 'redis' | 'postgres';
  /** Databases of PostgreSQL that have to be there. */
  readonly databases?: readonly string[];
  /** Arguments for Node, of what is to be run once before. */
  readonly prepare?: readonly string[];
  /** True where it does not run on the oldest Node. */
  readonly newest?: true;
  /** True for a library that is captured only where that is asked for. */
  readonly optIn?: true;
}

type Replacements = readonly (readonly [RegExp, string])[];

const VITEST = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--no-file-parallelism',
  '--reporter=tap-flat',
  '--testTimeout=60000',
  '--hookTimeout=60000',
];
const TAPE = ['node_modules/tape/bin/tape'];
const AVA = ['node_modules/ava/entrypoints/cli.mjs', '--tap', '--timeout=60s'];

/** A process that a test starts loads the toolkit first, which takes its time on a busy machine. */
const PATIENT: Replacements = [[/\bthis\.timeout\((\d+)\)/g, 'this.timeout(6 * $1)']];

/** Tests may take a callback there. */
const JEST_WORDS = `
import { vi } from 'vitest';
const { it } = globalThis;
const withCallback = (fn) => () => new Promise((resolve, reject) => fn((error) => (error ? reject(error) : resolve())));
const jestIt = (name, fn, ...more) => it(name, fn?.length > 0 ? withCallback(fn) : fn, ...more);
const jest = Object.assign(Object.create(vi), { setTimeout: () => {} });
Object.assign(globalThis, { jest, it: Object.assign(jestIt, it), test: Object.assign(jestIt, it) });
`;

/** Jest loads modules by itself, which no hook of Node sees: its suites run under vitest, which has the same words. */
const ON_VITEST = {
  needs: { vitest: '3.2.4' },
  files: {
    'vitest.config.mjs': `export default { test: { globals: true, setupFiles: ['./vitest.jest.mjs'], testTimeout: 20_000 } };\n`,
    'vitest.jest.mjs': JEST_WORDS,
  },
  env: { JEST_WORKER_ID: '1' },
};

/** Jest 26 wrote snapshots otherwise, and its faked timers left the date to tests. */
const LIKE_JEST_26 = {
  'vitest.config.mjs': `export default { test: {
    globals: true, setupFiles: ['./vitest.jest.mjs'], testTimeout: 20_000,
    snapshotFormat: { printBasicPrototype: true, escapeString: true },
    fakeTimers: { toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] },
  } };\n`,
};

/** The few words of Deno's tests that Croner's use. */
const DENO_TESTS = `
import assert from 'node:assert';
import { test as nodeTest } from 'node:test';
export { assert };
export const assertEquals = assert.deepStrictEqual;
export const assertThrows = (fn, type, message) => {
  assert.throws(fn, (error) => (typeof type !== 'function' || error instanceof type) && (!message || error.message.includes(message)));
};
export const assertExists = (value) => assert.ok(value !== undefined && value !== null);
export function test(name, fn, { waitForCallback = false, timeout = 30_000 } = {}) {
  nodeTest(name, { timeout }, waitForCallback ? (context, done) => void fn(context, done) : (context) => fn(context));
}
`;

/**
 * Vitest imports an ES module by its URL, which names no package: it gets one that imports the library as applications do.
 */
const IMPORTING = 'node_modules/importing/index.mjs';
function importing(name: string): Pick<OwnSuite, 'files'> {
  const text = `import * as all from '${name}';\nexport * from '${name}';\nexport default all.default;\n`;
  return { files: { [IMPORTING]: text, [join(dirname(IMPORTING), 'package.json')]: '{ "exports": "./index.mjs" }' } };
}

export const OWN_SUITES: readonly OwnSuite[] = [
  {
    name: 'bullmq',
    tests: 'tests',
    published: [
      // Its parts alone say nothing of the package.
      [/^src(?:\/(?:classes|enums|interfaces|types|utils))?$/, 'bullmq'],
      [/^(?:src|dist\/cjs)\/(.+)$/, 'bullmq/dist/cjs/$1'],
    ],
    // What failed has to be a second old when its neighbours' locks, of a second, are found to be lost.
    edits: [[/(respecting the age'[\s\S]{0,700}?lockDuration:) 1000/g, '$1 2000']],
    files: {
      // Of its suites, those in which workers run; there are others for each kind of Redis.
      'vitest.suite.config.mjs': `export default { test: { setupFiles: ['./vitest.setup.ts'], include: [
        'tests/{bulk,delay,flow,job,job_scheduler,queue,rate_limiter,sandboxed_process,stalled_jobs,worker}.test.ts',
      ] } };\n`,
    },
    command: [...VITEST, '--config', 'vitest.suite.config.mjs'],
    server: 'redis',
  },
  {
    name: 'bull',
    tests: 'test',
    published: [
      [/^$/, 'bull'],
      [/^(lib\/.+)$/, 'bull/$1'],
    ],
    // Eleven jobs take longer than a tenth of a second on a busy machine.
    edits: [...PATIENT, [/await delay\(100\);(\s+await queue\.clean\(0, 'failed'\);)/g, 'await delay(1000);$1']],
    command: ['node_modules/mocha/bin/mocha', '--exit', '--timeout', '30000', '--reporter', 'tap', 'test/test_*'],
    env: { NODE_ENV: 'test' },
    server: 'redis',
  },
  {
    name: 'bee-queue',
    tests: 'test',
    published: [
      [/^lib\/queue$/, 'bee-queue'],
      [/^(lib\/.+)$/, 'bee-queue/$1'],
    ],
    command: AVA,
    env: { BEE_QUEUE_TEST_REDIS: 'redis://localhost:6379' },
    server: 'redis',
  },
  {
    name: 'agenda',
    tests: 'packages',
    published: [
      [/^packages\/agenda\/src\/index$/, IMPORTING],
      [/^packages\/agenda\/src\/(.+)$/, 'node_modules/agenda/dist/$1.js'],
    ],
    ...importing('agenda'),
    // What all of its backends run; of these, the one that needs no MongoDB.
    edits: [
      [/from 'agenda'/g, "from 'importing'"],
      [/'agenda\/testing'/, "'../../agenda/test/shared/index.js'"],
      [/path: '\.\/test\//, "path: './packages/redis-backend/test/"],
    ],
    needs: { ioredis: '5.10.1', vitest: '3.2.4', tsx: '4.23.15' },
    command: [...VITEST, 'packages/redis-backend/test/'],
    env: { REDIS_TEST_URL: 'redis://127.0.0.1:6379' },
    server: 'redis',
  },
  {
    name: 'cron',
    tests: 'tests',
    published: [
      [/^src$/, 'cron'],
      [/^src\/(.+)$/, 'cron/dist/$1'],
    ],
    command: [...VITEST, 'tests/'],
    ...ON_VITEST,
    env: { ...ON_VITEST.env, TZ: 'Europe/Paris' },
  },
  {
    name: 'node-schedule',
    tests: 'test',
    published: [
      [/^$/, 'node-schedule'],
      [/^(lib\/.+)$/, 'node-schedule/$1'],
    ],
    command: [...TAPE, 'test/*.js'],
    tape: true,
  },
  {
    name: 'node-cron',
    tests: 'src',
    published: [[/^src\/node-cron$/, IMPORTING]],
    ...importing('node-cron'),
    // The class of its tasks is not exported.
    edits: [
      [
        /import \{ InlineScheduledTask \}.*/,
        "const InlineScheduledTask = cron.createTask('* * * * *', () => {}).constructor;",
      ],
    ],
    command: [...VITEST, 'src/node-cron.test.ts'],
  },
  {
    name: 'toad-scheduler',
    tests: 'test',
    published: [
      [/^lib\/(?:toadScheduler|common\/(?:Async)?Task|engines\/.+)$/, 'toad-scheduler'],
      [/^(lib\/.+)$/, 'toad-scheduler/dist/$1'],
    ],
    command: [...VITEST, 'test/'],
    ...ON_VITEST,
  },
  {
    name: 'croner',
    tests: 'test',
    published: [[/^src\/croner$/, 'croner']],
    // It is written for Deno.
    edits: [[/"@(?:cross\/test|std\/assert)"/g, '"../deno.mjs"']],
    files: { 'package.json': '{ "name": "suite", "type": "module" }\n', 'deno.mjs': DENO_TESTS },
    command: ['--import=tsx/esm', '--test', '--test-reporter=tap', 'test/*.test.ts'],
    needs: { tsx: '4.23.15' },
  },
  {
    name: 'sqs-consumer',
    tests: 'test',
    published: [
      [/^src\/consumer$/, IMPORTING],
      [/^src\/(.+)$/, 'node_modules/sqs-consumer/dist/esm/$1.js'],
    ],
    ...importing('sqs-consumer'),
    command: VITEST,
  },
  {
    name: 'bree',
    tests: 'test',
    published: [
      [/^src$/, 'bree'],
      [/^(src\/.+)$/, 'bree/$1'],
    ],
    // A thread loads the toolkit first: many at once take longer than the second or two that these jobs are given.
    command: [...AVA, '--serial', '--concurrency=1'],
    env: { NODE_ENV: 'test' },
  },
  {
    name: 'pg-boss',
    tests: 'test',
    published: [
      [/^src\/index$/, IMPORTING],
      [/^src\/(.+)$/, 'node_modules/pg-boss/dist/$1.js'],
    ],
    command: [
      ...VITEST,
      ...[
        'work',
        'retry',
        'failure',
        'expire',
        'schedule',
        'send',
        'publish',
        'perJobResults',
        'heartbeat',
        'cancel',
      ].map((file) => `test/${file}`),
    ],
    ...importing('pg-boss'),
    server: 'postgres',
    databases: ['pgboss'],
    newest: true,
  },
  {
    name: 'graphile-worker',
    tests: '__tests__',
    published: [
      [/^src(\/index)?$/, 'graphile-worker'],
      [/^src\/(.+)$/, 'graphile-worker/dist/$1.js'],
    ],
    command: [...VITEST, '__tests__/'],
    ...ON_VITEST,
    files: { ...ON_VITEST.files, ...LIKE_JEST_26 },
    // They read the flags out of the database.
    carrierShows: /forbiddenFlags\.test\.ts > (?:supports the flags API|get_job skips forbidden flags with .+ arg)$/,
    server: 'postgres',
    databases: ['graphile_worker_testtemplate'],
    prepare: [
      'node_modules/graphile-worker/dist/cli.js',
      '--schema-only',
      '-c',
      'postgres:///graphile_worker_testtemplate',
    ],
  },
  {
    name: 'workerpool',
    tests: 'test',
    published: [
      [/^$/, 'workerpool'],
      [/^src$/, 'workerpool'],
      [/^(src\/.+)$/, 'workerpool/$1'],
    ],
    edits: [
      ...PATIENT,
      [/\bterminate\(false, (\d+)\)/g, 'terminate(false, 6 * $1)'],
      // Time for a worker to begin, after which its task is ended.
      [/^( +\.timeout\()200\)/gm, '$1 2000)'],
      [/(resolve\(\);\s+\}, )50\)/g, '$1 2000)'],
    ],
    command: ['node_modules/mocha/bin/mocha.js', '--timeout', '60000', '--reporter', 'tap', 'test'],
    optIn: true,
  },
  {
    name: 'p-queue',
    tests: 'test',
    published: [
      [/^source\/index$/, 'p-queue'],
      [/^source\/(.+)$/, 'node_modules/p-queue/dist/$1.js'],
    ],
    command: ['--import=tsx/esm', '--test', '--test-reporter=tap', 'test/*.ts'],
    optIn: true,
  },
  {
    name: 'fastq',
    tests: 'test',
    published: [[/^$/, 'fastq']],
    command: [...TAPE, 'test/test.js', 'test/promise.js'],
    tape: true,
    optIn: true,
  },
  {
    name: 'async',
    tests: 'test',
    published: [[/^lib$/, 'async']],
    edits: PATIENT,
    command: ['node_modules/mocha/bin/_mocha', '--reporter', 'tap'],
    optIn: true,
  },
];
