import type { Environment } from '../config.ts';

/** A stream that a command writes to. */
export type CommandStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Where a command writes, and what it reads from its surroundings. */
export interface CommandIo {
  readonly out: CommandStream;
  readonly err: CommandStream;
  readonly env: Environment;
  /** Sets the exit code; the process ends when there is nothing left to do. */
  fail(): void;
}

/** Those of this process. */
export function processIo(): CommandIo {
  const { stdout: out, stderr: err, env } = process;
  return {
    out,
    err,
    env,
    fail: () => {
      process.exitCode = 1;
    },
  };
}
