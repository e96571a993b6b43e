import { ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import type { Classified, RunEnding } from '../base/facts.ts';
import { patchMember } from '../base/patch-member.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';

/** How a command ended: by its code, by a signal, or it did not begin. */
interface CommandEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly failed?: { readonly error: unknown };
}

/** Functions that cron made of commands, and their names. */
const commands = new WeakMap<object, string>();

/** Remembers that `made` runs `command`, which is a string or an object as cron takes them. */
export function rememberCommand(made: unknown, command: unknown): void {
  if (typeof made !== 'function' || typeof command === 'function') return;
  const line = typeof command === 'string' ? command : (command as { readonly command?: unknown } | null)?.command;
  const [program] = String(line ?? '').split(' ');
  commands.set(made, basename(program ?? ''));
}

/** Name of the program; empty where it is not known; undefined when this is no command. */
export function commandName(callback: unknown): string | undefined {
  if (typeof callback !== 'function') return undefined;
  return commands.get(callback) ?? (callback.name === 'bound spawn' ? '' : undefined);
}

/** The same call, which gives a promise of the command's end, and hands its process to `started`. */
export function awaitingExit(call: LibraryCall, started: (child: unknown) => void): LibraryCall {
  return {
    ...call,
    original: function run(this: unknown, ...args: unknown[]): unknown {
      const child: unknown = Reflect.apply(call.original, this, args);
      started(child);
      return child instanceof ChildProcess ? exitOf(child) : child;
    },
  };
}

/** By what the process tells whoever listens: a listener of ours for `error` would hold back an uncaught exception. */
function exitOf(child: ChildProcess): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const patch = patchMember(child, 'emit', {
      key: 'cron.exit',
      interceptor: ({ original, self, args }) => {
        const [event, first, second] = args;
        if (event === 'exit') resolve({ code: first as number | null, signal: second as string | null });
        if (event === 'error') resolve({ code: null, signal: null, failed: { error: first } });
        if (event === 'exit' || event === 'error') patch?.undo();
        return Reflect.apply(original, self, args);
      },
    });
  });
}

/** A command fails as a shell sees it. */
export function classifyCommand(end: RunEnding): Classified | undefined {
  if ('error' in end) return undefined;
  const { code, signal, failed } = (end.value ?? {}) as Partial<CommandEnd>;
  if (failed !== undefined) return { status: 'failure', error: failed.error };
  if (typeof signal === 'string') return { status: 'failure', errorType: signal };
  if (typeof code !== 'number') return undefined;
  const attributes = { 'process.exit.code': code };
  return code === 0 ? { status: 'success', attributes } : { status: 'failure', errorType: 'exit_code', attributes };
}
