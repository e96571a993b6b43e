import { activeRunTicket, withRunTicket } from '@taskspan/core/hub';
import { type AroundHook, prototypeOf } from '../base/hook.ts';

/** Where the run travels in what is sent to a sandbox; taken out again before the processor sees the job. */
const TICKET = 'taskspan';

/** What goes to a processor in a child process or worker thread, made within the run. */
export const AS_JSON_SANDBOX: AroundHook = {
  form: 'around',
  on: prototypeOf('Job'),
  method: 'asJSONSandbox',
  around: (call, kit) => {
    const json = kit.call(call) as object;
    const ticket = activeRunTicket();
    return ticket === undefined ? json : { ...json, [TICKET]: ticket };
  },
};

/** In that child or thread: `start(job, token)` calls the processor. */
export const CHILD_START: AroundHook = {
  form: 'around',
  on: prototypeOf('ChildProcessor'),
  method: 'start',
  around: (call, kit) => {
    const [json, ...rest] = call.args;
    const { [TICKET]: ticket, ...job } = json as Readonly<Record<string, unknown>>;
    if (ticket === undefined) return kit.call(call);
    return withRunTicket(ticket, () => kit.call({ ...call, args: [job, ...rest] }));
  },
};
