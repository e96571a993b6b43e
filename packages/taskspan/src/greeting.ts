import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { RUN_CHANNEL } from '@taskspan/core';
import { type DeliveryConfig, receiverOf } from '@taskspan/delivery/config';

export interface GreetingOptions {
  readonly quiet: boolean;
  readonly metricsUrl: Promise<string | undefined>;
  readonly logsFolder: string | undefined;
  /** Who is sent to; undefined: nobody. */
  readonly delivery?: DeliveryConfig | undefined;
  /** Where the lines go; default stderr, when it is a terminal. */
  readonly terminal?: { write(text: string): unknown } | undefined;
  /** Milliseconds without any run after which the hint comes. Default 60 000. */
  readonly hintAfterMs?: number | undefined;
}

const HINT_AFTER_MS = 60_000;

/**
 * Says on a terminal, in one line, where to look and who is sent to; and, after a minute without any task, what may be
 * missing. Silent where nobody watches, and when asked to be.
 *
 * @returns a function that takes the hint back
 */
export function greet(options: GreetingOptions): () => void {
  const terminal = options.terminal ?? (process.stderr.isTTY === true ? process.stderr : undefined);
  if (options.quiet || terminal === undefined) return () => {};
  void options.metricsUrl.then((url) => {
    const receivers = options.delivery === undefined ? [] : receiversOf(options.delivery);
    const sendsTo = receivers.length === 0 ? undefined : `sends to ${receivers.join(', ')}`;
    const parts = [url, sendsTo, options.logsFolder, 'npx taskspan doctor'].filter((part) => part !== undefined);
    terminal.write(`taskspan: ${parts.join('  ')}\n`);
  });
  const hint = setTimeout(() => {
    stop();
    terminal.write('taskspan: no task has run yet; `npx taskspan doctor` shows what is detected\n');
  }, options.hintAfterMs ?? HINT_AFTER_MS).unref();
  subscribe(RUN_CHANNEL, stop);
  return stop;

  function stop(): void {
    clearTimeout(hint);
    unsubscribe(RUN_CHANNEL, stop);
  }
}

function receiversOf({ traces, metrics, logs }: DeliveryConfig): readonly string[] {
  return [...new Set([traces, metrics, logs].flatMap((target) => (target === undefined ? [] : receiverOf(target))))];
}
