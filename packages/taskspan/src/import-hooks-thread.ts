/**
 * Runs in the thread of the module loader, on versions of Node that have no hooks in the thread of the application:
 * shows what ES modules import of the awaited packages to the hooks of instrumentations, and nothing else.
 */
import type { InitializeHook } from 'node:module';
import type {
  ImportWrapperFactory,
  ImportWrapperPlace,
  LoadArguments,
  Loaded,
  ResolveArguments,
  Resolved,
} from './import-wrapper.ts';
import { MarkedWrapper } from './marked-wrapper.ts';

let wrapper: MarkedWrapper | undefined;

export const initialize: InitializeHook<ImportWrapperPlace> = async ({ factory, include, meta }) => {
  // Every worker thread of the application may share this one, and asks for the same.
  if (wrapper !== undefined) return;
  const { createHook } = (await import(factory)) as ImportWrapperFactory;
  const made = createHook({ url: meta });
  made.applyOptions?.(include === undefined ? {} : { include: [...include] });
  wrapper = new MarkedWrapper(made);
};

export async function resolve(...args: ResolveArguments<Promise<Resolved>>): Promise<Resolved> {
  const [specifier, context, next] = args;
  return wrapper === undefined ? next(specifier, context) : wrapper.resolve(...args);
}

export async function load(...args: LoadArguments<Promise<Loaded>>): Promise<Loaded> {
  const [url, context, next] = args;
  return wrapper === undefined ? next(url, context) : wrapper.load(...args);
}
