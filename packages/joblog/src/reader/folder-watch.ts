import { existsSync, type FSWatcher, watch } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { safely } from '@taskspan/core/hub';

/** File systems of other hosts, which tell nothing of what is written there: NFS, SMB, CIFS, SMB2, FUSE, 9p, Ceph. */
const REMOTE_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400,
]);

interface WatchedFolder {
  readonly watcher: FSWatcher;
  /** By name of the file in the folder. */
  readonly listeners: Map<string, Set<() => void>>;
}

/** Tells of changes of files. One watcher serves all who look at a folder: a busy folder is not heard many times. */
export class FolderWatch {
  readonly #folders = new Map<string, WatchedFolder>();
  readonly #isRemote = new Map<string, boolean>();

  /**
   * Calls `onChange` when a file is written, made, deleted or renamed.
   *
   * @param paths absolute; their folders are watched, so that the files need not be there
   * @returns ends it; undefined where the file system does not tell
   */
  async add(paths: readonly string[], onChange: () => void): Promise<(() => void) | undefined> {
    const removals: (() => void)[] = [];
    const end = (): void => {
      for (const remove of removals) remove();
    };
    for (const path of paths) {
      if (await this.#isRemoteFolder(dirname(path))) {
        end();
        return undefined;
      }
      const remove = this.#addFile(dirname(path), basename(path), onChange);
      if (remove === undefined) {
        end();
        return undefined;
      }
      removals.push(remove);
    }
    return end;
  }

  close(): void {
    for (const folder of [...this.#folders.keys()]) this.#drop(folder);
  }

  #addFile(folder: string, name: string, onChange: () => void): (() => void) | undefined {
    const watched = this.#folders.get(folder) ?? this.#watch(folder);
    if (watched === undefined) return undefined;
    const listeners = watched.listeners.get(name) ?? new Set();
    watched.listeners.set(name, listeners);
    // One listener may be added for one file twice, and is removed as often.
    const listener = (): void => onChange();
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || watched.listeners.get(name) !== listeners) return;
      watched.listeners.delete(name);
      if (watched.listeners.size === 0 && this.#folders.get(folder) === watched) this.#drop(folder);
    };
  }

  #watch(folder: string): WatchedFolder | undefined {
    const listeners = new Map<string, Set<() => void>>();
    let watcher: FSWatcher;
    try {
      watcher = watch(folder, (_event, name) => {
        // Of a folder that is deleted, its own name is told; what comes in its place is another one.
        if (name === basename(folder) && !existsSync(folder)) lose();
        else tell(listeners, name);
      });
    } catch {
      // Not there, or no more watches to be had: who asks looks at the files now and then instead.
      return undefined;
    }
    const watched = { watcher, listeners };
    const lose = (): void => {
      if (this.#folders.get(folder) === watched) this.#drop(folder);
      tell(listeners, null);
    };
    watcher.on('error', lose);
    this.#folders.set(folder, watched);
    return watched;
  }

  #drop(folder: string): void {
    this.#folders.get(folder)?.watcher.close();
    this.#folders.delete(folder);
  }

  async #isRemoteFolder(folder: string): Promise<boolean> {
    const known = this.#isRemote.get(folder);
    if (known !== undefined) return known;
    const isRemote = await statfs(folder).then(
      ({ type }) => REMOTE_FILE_SYSTEMS.has(type >>> 0),
      // Not there: watching it will say so.
      () => false,
    );
    this.#isRemote.set(folder, isRemote);
    return isRemote;
  }
}

function tell(listeners: ReadonlyMap<string, ReadonlySet<() => void>>, name: string | null): void {
  const told = name === null ? [...listeners.values()] : [listeners.get(name) ?? []];
  for (const group of told) for (const listener of group) safely('a change of a job log', listener);
}
