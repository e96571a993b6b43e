// Makes the servers of the end-to-end tests and prints where they are, one `name=path` a line; all else goes to stderr.
import { findServers } from './servers.ts';

try {
  for (const [name, path] of Object.entries(await findServers())) console.log(`${name}=${path}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
