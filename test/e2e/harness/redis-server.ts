import { findDataServers } from '../../servers/servers.ts';
import { freePort } from './free-ports.ts';
import { ScratchFolder } from './scratch-folder.ts';
import { ServerProcess } from './server-process.ts';

/** A Redis of its own, on a loopback port, that keeps nothing on disk. */
export class RedisServer {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly process: ServerProcess;
  readonly #folder: ScratchFolder;

  private constructor(url: string, process: ServerProcess, folder: ScratchFolder) {
    this.url = url;
    this.process = process;
    this.#folder = folder;
  }

  /**
   * Resolves when it accepts connections.
   *
   * @param more settings by the names of `redis.conf`
   */
  static async start(more: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    const { redis } = await findDataServers();
    const port = await freePort();
    const folder = new ScratchFolder();
    const settings = { bind: '127.0.0.1', port: String(port), dir: folder.path, save: '', appendonly: 'no', ...more };
    const process = new ServerProcess({
      name: 'Redis',
      command: redis,
      args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      checkReady: /Ready to accept connections/,
    });
    try {
      await process.start();
    } catch (error) {
      folder.remove();
      throw error;
    }
    return new RedisServer(`redis://127.0.0.1:${port}`, process, folder);
  }

  /** Ends it, and removes what it left. */
  async stop(): Promise<void> {
    await this.process.stop();
    this.#folder.remove();
  }
}
