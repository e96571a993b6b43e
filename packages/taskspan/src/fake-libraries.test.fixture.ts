/** Packages of the names and the shapes that job libraries have, a few lines each, for an application of a test. */
import type { AppFolder } from './app-folder.test.fixture.ts';

interface FakeLibrary {
  readonly version: string;
  readonly type?: 'module';
  readonly files: Readonly<Record<string, string>>;
}

const LIBRARIES: Readonly<Record<string, FakeLibrary>> = {
  /** CommonJS, hooked by its prototypes. */
  'node-schedule': {
    version: '2.1.1',
    files: {
      'index.js': `exports.loadedBy = module.parent === undefined ? 'import' : 'require';
        exports.Job = require('./lib/job.js');`,
      'lib/job.js': `module.exports = class Job {
        constructor(name, job) { this.name = name; this.job = job; }
        schedule(spec) { this.spec = spec; return true; }
        invoke(date) { return this.job(date); }
      };`,
    },
  },
  /** CommonJS, whose export is a function that is replaced as a whole. */
  fastq: {
    version: '1.20.3',
    files: {
      'queue.js': `function fastq(worker) { return queueOf(worker); }
        function queueOf(worker) {
          return { push: (task) => worker(task), unshift: (task) => worker(task), kill() {}, killAndDrain() {} };
        }
        module.exports = fastq;
        module.exports.promise = (worker) => queueOf(worker);`,
    },
  },
  /** An ES module alone. */
  'p-queue': {
    version: '9.3.5',
    type: 'module',
    files: { 'dist/index.js': 'export default class PQueue { async add(task) { return task({}); } }' },
  },
};

/** A task of each, for an application that has them under these names; runs are called after their functions. */
const JOBS: Readonly<Record<string, string>> = {
  'node-schedule': `await new (lib.Job ?? lib.default.Job)('schedule-job', async () => {}).invoke(new Date());`,
  fastq: `await (lib.default ?? lib).promise(async function fastqJob() {}).push(1);`,
  'p-queue': `await new (lib.default?.default ?? lib.default ?? lib)().add(async function queueJob() {});`,
};

/** Names of the operations above. */
export const OPERATIONS: Readonly<Record<string, string>> = {
  'node-schedule': 'schedule-job',
  fastq: 'fastqJob',
  'p-queue': 'queueJob',
};

/**
 * Writes a library where an application finds it.
 *
 * @param changes another version, or another folder than `node_modules`
 */
export function install(
  app: AppFolder,
  name: string,
  changes: { readonly version?: string; readonly modules?: string } = {},
): void {
  const { files, type, version } = LIBRARIES[name] ?? { version: '1.0.0', files: { 'index.js': '' } };
  const folder = `${changes.modules ?? 'node_modules'}/${name}`;
  const [entry = 'index.js'] = Object.keys(files);
  const target = type === 'module' ? { exports: `./${entry}`, type } : { main: `./${entry}` };
  app.write(`${folder}/package.json`, JSON.stringify({ name, version: changes.version ?? version, ...target }));
  for (const [file, text] of Object.entries(files)) app.write(`${folder}/${file}`, text);
}

/** Source of an ES module that imports a library and does its job. */
export function importing(name: string, after = ''): string {
  return `import * as lib from '${name}';\n${JOBS[name]}\n${after}`;
}

/** Source of a CommonJS module that requires it and does its job. */
export function requiring(name: string, after = ''): string {
  return `const lib = require('${name}');\n(async () => { ${JOBS[name]}\n${after} })();`;
}

/** Prints what the process knows of its libraries. */
export const PRINT_LIBRARIES = `console.log(JSON.stringify([...globalThis[Symbol.for('taskspan.v1')].libraries.values()]));`;
