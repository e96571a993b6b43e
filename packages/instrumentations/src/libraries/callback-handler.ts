import type { LibraryRun } from '@taskspan/core/hub';
import type { RunFacts } from '../base/facts.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { type Callable, type Interceptor, type LibraryCall, wrapFunction } from '../base/wrapped-function.ts';

export interface HandlerOptions {
  readonly kit: LibraryKit;
  readonly library: string;
  /** One for each task of the call. */
  readonly describe: (call: LibraryCall) => readonly RunFacts[];
}

/** A handler that is given a callback last, and is over when it calls that; to be handed to the library in its place. */
export function wrapCallbackHandler<F extends Callable>(handler: F, { kit, library, describe }: HandlerOptions): F {
  const interceptor: Interceptor = (call) => {
    const callback = call.args.at(-1);
    if (typeof callback !== 'function') return kit.call(call);
    let runs: readonly LibraryRun[] = [];
    const told = wrapFunction(callback as Callable, `${library}.callback`, (answer) => {
      const [error] = answer.args;
      for (const run of runs) {
        if (error) run.threw(error);
        else run.returned(undefined);
      }
      return kit.call(answer);
    });
    let facts: readonly RunFacts[] = [];
    let result: unknown;
    const handle = (): unknown => {
      runs = facts.flatMap(({ job }) => kit.runOf(job) ?? []);
      result = kit.call({ ...call, args: [...call.args.slice(0, -1), told] });
      // The callback says when it is over: not this promise.
      return new Promise(() => {});
    };
    kit.run({ original: handle, self: undefined, args: [] }, () => {
      facts = describe(call);
      return facts;
    });
    return result;
  };
  return wrapFunction(handler, `${library}.handler`, interceptor);
}
