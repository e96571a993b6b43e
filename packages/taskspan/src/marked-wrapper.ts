/**
 * A wrapper of imported modules under a mark of our own. import-in-the-middle marks the URLs of what it wraps; two copies
 * of it in one process, ours and one that the application brings, would take each other's wrapped modules for their own.
 *
 * Where a copy below ours wraps a module, it stays that copy's. A copy above ours sees a module like any other, and may
 * wrap it once more.
 */
import type {
  ImportWrapper,
  ImportWrapperPlace,
  LoadArguments,
  Loaded,
  ResolveArguments,
  Resolved,
} from './import-wrapper.ts';
import type { RequireChain } from './require-chain.ts';

/** As import-in-the-middle writes it, and as it is written outside. */
const THEIRS = /([?&])iitm=(true|bindings)\b/;
const OURS = /([?&])taskspan-import=(true|bindings)\b/;

/** What the hooks below a wrapper answered it, which may be asked for once only. */
interface Below {
  answer: Resolved | undefined;
}

/** The hooks of a wrapper, to be registered instead of its own. */
export class MarkedWrapper {
  readonly #wrapper: ImportWrapper;
  /** Wrapped modules by URL: the wrapper makes each once, and a copy above ours reads it before Node does. */
  readonly #made = new Map<string, Loaded>();
  /** Formats of the wrapped modules: what wraps them is an ES module, and a copy above ours is to take it for one. */
  readonly #formats = new Map<string, Resolved['format']>();
  readonly #chain: RequireChain | undefined;

  /** @param chain for the loader thread: hooks in the thread of the application are told what is required */
  constructor(wrapper: ImportWrapper, chain?: RequireChain) {
    this.#wrapper = wrapper;
    this.#chain = chain;
  }

  async resolve(...[specifier, context, next]: ResolveArguments<Promise<Resolved>>): Promise<Resolved> {
    if (OURS.test(specifier)) return ofOurs(specifier);
    if (this.#chain?.has(context.parentURL) === true) return this.#chain.follow(await next(specifier, context));
    const below: Below = { answer: undefined };
    const resolved = await this.#wrapper.resolve(specifier, toWrapper(context), async (...args) => {
      below.answer = await next(...args);
      return below.answer;
    });
    return this.#chosen(resolved, below);
  }

  resolveSync(...[specifier, context, next]: ResolveArguments<Resolved>): Resolved {
    if (OURS.test(specifier)) return ofOurs(specifier);
    const below: Below = { answer: undefined };
    const resolved = this.#wrapper.resolveSync(specifier, toWrapper(context), (...args) => {
      below.answer = next(...args);
      return below.answer;
    });
    return this.#chosen(resolved, below);
  }

  async load(...[url, context, next]: LoadArguments<Promise<Loaded>>): Promise<Loaded> {
    if (THEIRS.test(url)) return next(url, context);
    const made = this.#made.get(url);
    return made ?? this.#keep(url, await this.#wrapper.load(marked(url), this.#original(url, context), next));
  }

  loadSync(...[url, context, next]: LoadArguments<Loaded>): Loaded {
    if (THEIRS.test(url)) return next(url, context);
    const made = this.#made.get(url);
    return made ?? this.#keep(url, this.#wrapper.loadSync(marked(url), this.#original(url, context), next));
  }

  #chosen(resolved: Resolved, { answer }: Below): Resolved {
    if (answer !== undefined && THEIRS.test(answer.url)) return answer;
    if (!THEIRS.test(resolved.url)) return resolved;
    const url = resolved.url.replace(THEIRS, '$1taskspan-import=$2');
    this.#formats.set(url, resolved.format);
    return { ...resolved, url, format: 'module' };
  }

  #original(url: string, context: object): object {
    return this.#formats.has(url) ? { ...context, format: this.#formats.get(url) } : context;
  }

  #keep(url: string, loaded: Loaded): Loaded {
    const renamed = renameParts(loaded);
    if (OURS.test(url)) this.#made.set(url, renamed);
    else this.#chain?.loaded(url, renamed);
    return renamed;
  }
}

/** A wrapped module is asked for by its URL: by a copy above ours, or by another part of it. */
function ofOurs(specifier: string): Resolved {
  return { url: specifier, format: 'module', shortCircuit: true };
}

/** The importer may be one of ours, which the wrapper knows under another URL. */
function toWrapper<Context extends { readonly parentURL?: string | undefined }>(context: Context): Context {
  const { parentURL } = context;
  return parentURL !== undefined && OURS.test(parentURL) ? { ...context, parentURL: marked(parentURL) } : context;
}

/** Under which URL the wrapper knows one of ours. */
function marked(url: string): string {
  return url.replace(OURS, '$1iitm=$2');
}

/** In the text of a module in which the wrapper imports other parts of its own making. */
function renameParts(loaded: Loaded): Loaded {
  const { source } = loaded;
  if (typeof source !== 'string' || !source.includes('iitm=bindings"')) return loaded;
  return { ...loaded, source: source.replaceAll(/([?&])iitm=bindings"/g, '$1taskspan-import=bindings"') };
}

/** Whether a wrapper is made for what was found; without one, nothing needs to be loaded for it. */
export function isIncluded(
  include: ImportWrapperPlace['include'],
  { specifier, url }: { readonly specifier: string; readonly url: string },
): boolean {
  return include?.some((one) => (typeof one === 'string' ? one === specifier : one.test(url))) ?? true;
}
