import { type CommandOptions, type CommandOutput, runLogged } from './logged-command.ts';

/** What the modules of the servers ask for. */
const OLDEST = { major: 1, minor: 25 };

/** Binaries without debug tables and paths of this machine, that need no C library. */
export const GO_BUILD: readonly string[] = ['build', '-trimpath', '-ldflags=-s -w'];

/**
 * Runs Go, away from a workspace around the folder.
 *
 * @throws Error when it fails
 */
export function runGo(args: readonly string[], { cwd, env = process.env }: CommandOptions): Promise<CommandOutput> {
  return runLogged('go', args, { cwd, env: { ...env, GOWORK: 'off', CGO_ENABLED: '0' } });
}

/**
 * Checks that Go is there and new enough.
 *
 * @param what that is to be built, for the message
 * @throws Error that says what to install
 */
export async function requireGo(what: string, options: CommandOptions): Promise<void> {
  const wanted = `Go ${OLDEST.major}.${OLDEST.minor} or later is needed to build ${what}`;
  let said: string;
  try {
    said = (await runGo(['version'], options)).stdout;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(`${wanted}, and there is none on the PATH: see https://go.dev/doc/install`);
    }
    throw error;
  }
  const problem = isNewEnough(said) ? undefined : `${wanted}, and the one on the PATH is: ${said.trim()}`;
  if (problem !== undefined) throw new Error(problem);
}

/** @param said what `go version` printed; a version without numbers (`devel`) is taken to be new */
export function isNewEnough(said: string): boolean {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(said) ?? [];
  if (major === undefined) return true;
  return Number(major) > OLDEST.major || (Number(major) === OLDEST.major && Number(minor) >= OLDEST.minor);
}
