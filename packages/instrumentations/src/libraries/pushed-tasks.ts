import { context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api';
import { patchMember } from '../base/patch-member.ts';
import { callThrough, type Interceptor } from '../base/wrapped-function.ts';

/** When and by whom a task was put into a queue in memory. */
export interface Pushed {
  /** Epoch milliseconds. */
  readonly enqueuedAt: number;
  readonly links: readonly SpanContext[];
}

/** What is so right now. */
export function pushedNow(): Pushed {
  const active = trace.getSpanContext(context.active());
  return {
    enqueuedAt: Date.now(),
    links: active !== undefined && isSpanContextValid(active) ? [active] : [],
  };
}

/** By which methods of a queue's object tasks come and go. */
export interface QueueMethods {
  /** Key of the wrapping: the library. */
  readonly library: string;
  readonly pushes: readonly string[];
  /** Tasks of one push. */
  readonly tasksOf: (pushed: unknown) => readonly unknown[];
  readonly clears: readonly string[];
}

/**
 * Who pushed the tasks that wait in one queue: a task runs in the context of whichever one ended before it, so the
 * pusher has to be remembered beside the queue. Tasks that are equal are told apart by their order.
 */
export class PushedTasks {
  readonly #waiting = new Map<unknown, Pushed[]>();

  /** Listens to the methods of the queue's object. */
  watch(queue: object, { library, pushes, tasksOf, clears }: QueueMethods): void {
    const hear = (method: string, before: (first: unknown) => void): void => {
      const interceptor: Interceptor = (call) => {
        before(call.args[0]);
        return callThrough(call);
      };
      patchMember(queue, method, { key: `${library}.${method}`, interceptor });
    };
    for (const method of pushes) {
      hear(method, (pushed) => {
        const now = pushedNow();
        for (const task of tasksOf(pushed)) this.#add(task, now);
      });
    }
    for (const method of clears) hear(method, () => this.#waiting.clear());
  }

  /** The push of a task that leaves the queue. Undefined: it came in by a way that is not watched. */
  take(task: unknown): Pushed | undefined {
    const same = this.#waiting.get(task);
    const pushed = same?.shift();
    if (same?.length === 0) this.#waiting.delete(task);
    return pushed;
  }

  #add(task: unknown, pushed: Pushed): void {
    const same = this.#waiting.get(task);
    if (same === undefined) this.#waiting.set(task, [pushed]);
    else same.push(pushed);
  }
}
