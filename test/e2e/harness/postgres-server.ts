import { execFile } from 'node:child_process';
import { chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findDataServers } from '../../servers/servers.ts';
import { freePort } from './free-ports.ts';
import { type PostgresRow, queryPostgres } from './postgres-query.ts';
import { ScratchFolder } from './scratch-folder.ts';
import { ServerProcess, type SystemUser } from './server-process.ts';

const execute = promisify(execFile);

/** Superuser of the cluster, who needs no password. */
const USER = 'postgres';

/** What makes a cluster safe against a loss of power, which takes time and matters to no test. */
const UNSAFE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** A PostgreSQL of its own, on a loopback port, with an empty cluster in a temporary folder. */
export class PostgresServer {
  readonly process: ServerProcess;
  readonly #port: number;
  readonly #folder: ScratchFolder;
  #databases = 0;

  private constructor(process: ServerProcess, port: number, folder: ScratchFolder) {
    this.process = process;
    this.#port = port;
    this.#folder = folder;
  }

  /** Makes the cluster, which takes about a second, and resolves when the server accepts connections. */
  static async start(): Promise<PostgresServer> {
    const { postgres } = await findDataServers();
    const port = await freePort();
    const folder = new ScratchFolder();
    const user = otherUser();
    if (user !== undefined) chownSync(folder.path, user.uid, user.gid);
    const data = join(folder.path, 'data');
    const settings = {
      ...UNSAFE,
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      max_connections: '200',
    };
    const process = new ServerProcess({
      name: 'PostgreSQL',
      command: join(postgres, 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: folder.path,
      user,
      checkReady: /database system is ready to accept connections/,
    });
    try {
      const cluster = ['-D', data, '-U', USER, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
      await execute(join(postgres, 'initdb'), cluster, { cwd: folder.path, ...user });
      await process.start();
    } catch (error) {
      folder.remove();
      throw error;
    }
    return new PostgresServer(process, port, folder);
  }

  /** `postgres://…` of the database that is there from the start; {@link createDatabase} gives an empty one. */
  get url(): string {
    return this.#urlOf('postgres');
  }

  /** Makes an empty database. Returns its URL. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.#urlOf(name);
  }

  /**
   * Runs statements, all of one transaction.
   *
   * @param url of which database. Default: {@link url}
   * @returns the rows of all of them, values as PostgreSQL prints them
   */
  async query(sql: string, url: string = this.url): Promise<readonly PostgresRow[]> {
    return await queryPostgres(url, sql);
  }

  /** Ends it, its connections too, and removes the cluster. */
  async stop(): Promise<void> {
    // Its orderly end would wait for the apps that are still connected.
    await this.process.stop('SIGINT');
    this.#folder.remove();
  }

  #urlOf(database: string): string {
    return `postgres://${USER}@127.0.0.1:${this.#port}/${database}`;
  }
}

/** Who runs it when root runs the tests: it refuses to be root. Any user will do that has a name. */
function otherUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody');
}
