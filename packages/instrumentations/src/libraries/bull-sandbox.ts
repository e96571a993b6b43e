import { activeRunTicket, observe, safely, withRunTicket } from '@taskspan/core/hub';
import { patchMember } from '../base/patch-member.ts';
import { callThrough, type Interceptor } from '../base/wrapped-function.ts';

/** Where the run travels, beside the job, in the message that has a child process start on it. */
const TICKET = 'taskspan';

/** What a processor in a file runs in. */
const CHILD = /[\\/]bull[\\/]lib[\\/]process[\\/]master\.js$/;

/** Follows jobs into the processes of a queue's pool; without a pool, its processors are all functions. */
export function followIntoPool(queue: { readonly childPool?: unknown }): void {
  const { childPool } = queue;
  if (typeof childPool !== 'object' || childPool === null) return;
  // The class of pools is exported nowhere. Once for all of them.
  patchMember(Object.getPrototypeOf(childPool) as object, 'retain', { key: 'bull.retain', interceptor: retain });
}

/** `retain(file)` gives the child process that the job is then sent to: it is heard here before the library hears it. */
const retain: Interceptor = (call) =>
  observe(
    callThrough(call),
    { returned: (child) => safely('following a job into its process', () => followInto(child)), threw: () => {} },
    'beside',
  );

function followInto(child: unknown): void {
  if (typeof child === 'object' && child !== null) {
    patchMember(child, 'send', { key: 'bull.send', interceptor: sendWithTicket });
  }
}

const sendWithTicket: Interceptor = (call) => {
  const [message, ...rest] = call.args;
  const { cmd } = (message ?? {}) as { readonly cmd?: unknown };
  const ticket = cmd === 'start' ? activeRunTicket() : undefined;
  if (ticket === undefined) return callThrough(call);
  return callThrough({ ...call, args: [{ ...(message as object), [TICKET]: ticket }, ...rest] });
};

/**
 * In that child process, where it is the program itself that listens for messages.
 *
 * @returns a function that undoes it; undefined anywhere else
 */
export function followFromParent(program: string | undefined = process.argv[1]): (() => void) | undefined {
  if (program === undefined || !CHILD.test(program)) return undefined;
  return patchMember(process, 'emit', { key: 'bull.message', interceptor: emitWithinRun })?.undo;
}

const emitWithinRun: Interceptor = (call) => {
  const [event, message] = call.args;
  if (event !== 'message') return callThrough(call);
  const { [TICKET]: ticket } = (message ?? {}) as Readonly<Record<string, unknown>>;
  return withRunTicket(ticket, () => callThrough(call));
};
