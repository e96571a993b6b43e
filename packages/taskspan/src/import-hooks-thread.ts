/**
 * Runs in the thread of the module loader, on versions of Node that have no hooks in the thread of the application:
 * shows what ES modules import of the awaited packages to the hooks of instrumentations, and nothing else. The hooks
 * are those of the package that the instrumentations use, registered by themselves they would say so on stderr when
 * the application has registered a copy of its own.
 */
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';
import type { ImportWrapper, ImportWrapperFactory, ImportWrapperPlace } from './import-wrapper.ts';

let wrapper: ImportWrapper | undefined;

export const initialize: InitializeHook<ImportWrapperPlace> = async ({ factory, include, meta }) => {
  // Every worker thread of the application may share this one, and asks for the same.
  if (wrapper !== undefined) return;
  const { createHook } = (await import(factory)) as ImportWrapperFactory;
  wrapper = createHook({ url: meta });
  wrapper.applyOptions({ include: [...include] });
};

export const resolve: ResolveHook = (specifier, context, next) =>
  wrapper === undefined ? next(specifier, context) : wrapper.resolve(specifier, context, next);

export const load: LoadHook = (url, context, next) =>
  wrapper === undefined ? next(url, context) : wrapper.load(url, context, next);
