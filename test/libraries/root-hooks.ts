/** Loaded by mocha around all tests of job libraries: what they started is ended, nothing is left behind. */
import type { RootHookObject } from 'mocha';
import { killLeftApps } from '../e2e/harness/app-process.ts';
import { killLeftServers } from '../e2e/harness/server-process.ts';
import { stopDataServers } from './data-servers.ts';
import { removeLaneModules, shareToolkit } from './lane-modules.ts';

/** Before mocha starts processes for files that it runs beside each other: packing takes ten seconds of both cores. */
export async function mochaGlobalSetup(): Promise<void> {
  await shareToolkit();
}

export const mochaHooks: RootHookObject = {
  async afterAll(): Promise<void> {
    killLeftApps();
    await stopDataServers();
    killLeftServers();
    removeLaneModules();
  },
};

// An `exit` handler kills the servers; a signal would end this process without one.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(130));
