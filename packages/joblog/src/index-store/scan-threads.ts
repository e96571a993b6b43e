import { Worker } from 'node:worker_threads';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type ScanAnswer, type ScanQuestion, scanFiles } from './text-scan.ts';

/** Looking through files takes a core each; readers are beside an application, or in a command. */
export const SCAN_THREADS = 2;
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 };

export interface ScanTask {
  readonly id: number;
  readonly question: ScanQuestion;
}

interface ScanReply {
  readonly id: number;
  readonly answer: ScanAnswer;
}

interface Asked {
  readonly question: ScanQuestion;
  readonly resolve: (answer: ScanAnswer | Promise<ScanAnswer>) => void;
}

/**
 * The threads that look through files, started with the first question. Where there can be none, or one is lost, the
 * calling thread looks. They keep no process alive but while somebody waits.
 */
export class ScanThreads {
  #threads: ScanThread[] = [];
  /** What the calling thread does itself, one at a time. */
  #inline: Promise<unknown> = Promise.resolve();

  ask(question: ScanQuestion): Promise<ScanAnswer> {
    const thread = this.#thread();
    if (thread === undefined) return this.#askHere(question);
    return new Promise((resolve) => thread.post({ question, resolve }));
  }

  /** Ends the threads; who still waits is answered by the calling thread. */
  async close(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map((thread) => thread.end()));
  }

  /** The one with the least to do. */
  #thread(): ScanThread | undefined {
    this.#threads = this.#threads.filter((thread) => !thread.isGone);
    if (this.#threads.length < SCAN_THREADS && this.#threads.every((thread) => thread.waiting > 0)) {
      try {
        this.#threads.push(new ScanThread((left) => this.#takeOver(left)));
      } catch {
        // The permission model, or a bundle without the worker's file: it is only slower.
        return undefined;
      }
    }
    return this.#threads.reduce<ScanThread | undefined>(
      (best, thread) => (best === undefined || thread.waiting < best.waiting ? thread : best),
      undefined,
    );
  }

  #askHere(question: ScanQuestion): Promise<ScanAnswer> {
    const answer = this.#inline.then(() => scanFiles(question));
    this.#inline = answer;
    return answer;
  }

  #takeOver(left: readonly Asked[]): void {
    for (const { question, resolve } of left) resolve(this.#askHere(question));
  }
}

class ScanThread {
  isGone = false;
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  readonly #onGone: (left: readonly Asked[]) => void;
  #lastId = 0;

  constructor(onGone: (left: readonly Asked[]) => void) {
    this.#onGone = onGone;
    this.#worker = context.with(ROOT_CONTEXT, startWorker);
    this.#worker.on('message', ({ id, answer }: ScanReply) => {
      const asked = this.#asked.get(id);
      this.#asked.delete(id);
      if (this.#asked.size === 0) this.#worker.unref();
      asked?.resolve(answer);
    });
    this.#worker.on('error', () => this.#lose());
    this.#worker.on('exit', () => this.#lose());
    this.#worker.unref();
  }

  get waiting(): number {
    return this.#asked.size;
  }

  post(asked: Asked): void {
    this.#lastId += 1;
    this.#asked.set(this.#lastId, asked);
    this.#worker.ref();
    this.#worker.postMessage({ id: this.#lastId, question: asked.question } satisfies ScanTask);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #lose(): void {
    this.isGone = true;
    const left = [...this.#asked.values()];
    this.#asked.clear();
    if (left.length > 0) this.#onGone(left);
  }
}

function startWorker(): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  // No preload of the application (--import, NODE_OPTIONS) runs in this thread; from sources the loader must.
  const isolated = { execArgv: [], env: {} };
  const file = isSource ? './scan-worker.ts' : './scan-worker.js';
  return new Worker(new URL(file, import.meta.url), {
    ...(isSource ? {} : isolated),
    name: 'taskspan-search',
    resourceLimits: RESOURCE_LIMITS,
    trackUnmanagedFds: false,
  });
}
