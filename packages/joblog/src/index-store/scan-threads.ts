import { Worker } from 'node:worker_threads';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type FileReading, readParts, type UnreadFile } from './file-reading.ts';
import { type ScanAnswer, type ScanQuestion, scanFiles } from './text-scan.ts';

/** Each takes a core while it is busy; a reader may be beside an application. */
export const SCAN_THREADS = 2;
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 };

/** Files of a day's folder that are to be read for the index. */
export interface UnreadFiles {
  /** Absolute. */
  readonly folder: string;
  readonly files: readonly UnreadFile[];
}

/** What a thread can be asked, and what it answers. */
interface Answers {
  readonly scan: { readonly question: ScanQuestion; readonly answer: ScanAnswer };
  readonly read: { readonly question: UnreadFiles; readonly answer: readonly FileReading[] };
}

type Kind = keyof Answers;
type Question = { [K in Kind]: { readonly kind: K; readonly question: Answers[K]['question'] } }[Kind];
type Answer = Answers[Kind]['answer'];

/** Threads that nobody asks give their memory back. */
const IDLE_MS = 10_000;

/** Timers captured before an application's test replaces them by fake ones. */
const { setTimeout, clearTimeout } = globalThis;

export interface ScanTask {
  readonly id: number;
  readonly asked: Question;
}

interface ScanReply {
  readonly id: number;
  readonly answer: Answer;
}

interface Waiting {
  readonly asked: Question;
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
}

/** Answers in the thread that calls it, one question at a time. Never rejects. */
export async function answerTo({ kind, question }: Question): Promise<Answer> {
  if (kind === 'scan') return scanFiles(question);
  const readings: FileReading[] = [];
  for (const file of question.files) readings.push(await readParts(question.folder, file));
  return readings;
}

/**
 * The threads that look through files, started with the first question. Where there can be none, or one is lost, the
 * calling thread looks. They keep no process alive but while somebody waits.
 */
export class ScanThreads {
  #threads: ScanThread[] = [];
  #idle: ReturnType<typeof setTimeout> | undefined;
  /** What the calling thread does itself, one at a time. */
  #inline: Promise<unknown> = Promise.resolve();

  /** Looks through files for a text. */
  scan(question: ScanQuestion): Promise<ScanAnswer> {
    return this.#ask({ kind: 'scan', question }) as Promise<ScanAnswer>;
  }

  /** Reads new files for the index, in their order. */
  read(question: UnreadFiles): Promise<readonly FileReading[]> {
    return this.#ask({ kind: 'read', question }) as Promise<readonly FileReading[]>;
  }

  async #ask(asked: Question): Promise<Answer> {
    clearTimeout(this.#idle);
    const thread = this.#thread();
    if (thread === undefined) return this.#askHere(asked);
    const answer = await new Promise<Answer>((resolve) => thread.post({ asked, resolve }));
    if (this.#threads.every(({ waiting }) => waiting === 0)) {
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    }
    return answer;
  }

  /** Ends the threads; who still waits is answered by the calling thread. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
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

  #askHere(asked: Question): Promise<Answer> {
    const answer = this.#inline.then(() => answerTo(asked));
    this.#inline = answer;
    return answer;
  }

  #takeOver(left: readonly Waiting[]): void {
    for (const { asked, resolve } of left) resolve(this.#askHere(asked));
  }
}

class ScanThread {
  isGone = false;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onGone: (left: readonly Waiting[]) => void;
  #lastId = 0;

  constructor(onGone: (left: readonly Waiting[]) => void) {
    this.#onGone = onGone;
    this.#worker = context.with(ROOT_CONTEXT, startWorker);
    this.#worker.on('message', ({ id, answer }: ScanReply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#worker.unref();
      waiting?.resolve(answer);
    });
    this.#worker.on('error', () => this.#lose());
    this.#worker.on('exit', () => this.#lose());
    this.#worker.unref();
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  post(waiting: Waiting): void {
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, waiting);
    this.#worker.ref();
    this.#worker.postMessage({ id: this.#lastId, asked: waiting.asked } satisfies ScanTask);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #lose(): void {
    this.isGone = true;
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
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
