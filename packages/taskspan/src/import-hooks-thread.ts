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
import { isIncluded, MarkedWrapper } from './marked-wrapper.ts';
import { RequireChain } from './require-chain.ts';

let place: ImportWrapperPlace | undefined;
let made: Promise<MarkedWrapper> | undefined;
let wrapper: MarkedWrapper | undefined;
const chain = new RequireChain();

export const initialize: InitializeHook<ImportWrapperPlace> = async (given) => {
  // Every worker thread of the application may share this one, and asks for the same.
  if (place !== undefined) return;
  place = given;
  if (given.include === undefined) wrapper = await make(given);
};

export async function resolve(...args: ResolveArguments<Promise<Resolved>>): Promise<Resolved> {
  if (wrapper !== undefined) return wrapper.resolve(...args);
  const [specifier, context, next] = args;
  if (chain.has(context.parentURL)) return chain.follow(await next(specifier, context));
  const resolved = await next(specifier, context);
  // Nothing of the wrapper, a parser among it, is loaded before one of the packages is imported. Where everything is
  // wrapped, what comes by until then are its own modules.
  if (place?.include === undefined || !isIncluded(place.include, { specifier, url: resolved.url })) return resolved;
  made ??= make(place);
  wrapper = await made;
  return wrapper.resolve(...args);
}

export async function load(...args: LoadArguments<Promise<Loaded>>): Promise<Loaded> {
  const [url, context, next] = args;
  return wrapper === undefined ? chain.loaded(url, await next(url, context)) : wrapper.load(...args);
}

async function make({ factory, include, meta }: ImportWrapperPlace): Promise<MarkedWrapper> {
  const { createHook } = (await import(factory)) as ImportWrapperFactory;
  const hooks = createHook({ url: meta });
  hooks.applyOptions?.(include === undefined ? {} : { include: [...include] });
  return new MarkedWrapper(hooks, chain);
}
