// Makes the servers of the tests and prints where they are, one `name=path` a line; all else goes to stderr.
import { findDataServers, findServers } from './servers.ts';

try {
  // What takes seconds first: who only needs that may go on.
  for (const find of [findDataServers, findServers]) {
    for (const [name, path] of Object.entries(await find())) console.log(`${name}=${path}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
