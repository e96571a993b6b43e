import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * Environment for processes and threads that the tests start. They load the sources in another module system than
 * mocha does, so their coverage cannot be merged with that of the tests.
 */
export const UNCOVERED: NodeJS.ProcessEnv = { ...process.env, NODE_V8_COVERAGE: '' };

/** Starts a worker on a TypeScript file: the loader of the tests is not inherited by worker threads. */
export function startWorker(file: URL): Worker {
  const loader = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/\.cjs$/, '.mjs');
  const [loaderUrl, fileUrl] = [pathToFileURL(loader).href, file.href].map((url) => JSON.stringify(url));
  return new Worker(`import(${loaderUrl}).then(({ register }) => { register(); return import(${fileUrl}); })`, {
    eval: true,
    env: UNCOVERED,
  });
}
