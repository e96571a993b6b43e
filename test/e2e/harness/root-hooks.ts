/** Loaded by mocha around all end-to-end tests: the servers are there, or nothing runs; nothing is left behind. */
import type { RootHookObject } from 'mocha';
import { killLeftApps } from './app-process.ts';
import { serverBinaries } from './server-binaries.ts';
import { killLeftServers } from './server-process.ts';

/** The first time on a machine the servers are built. */
const BUILD_TIMEOUT_MS = 20 * 60_000;

export const mochaHooks: RootHookObject = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    this.timeout(BUILD_TIMEOUT_MS);
    await serverBinaries();
  },
  afterAll(): void {
    killLeftApps();
    killLeftServers();
  },
};

// An `exit` handler kills the servers; a signal would end this process without one.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(130));
