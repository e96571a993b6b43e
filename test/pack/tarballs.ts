import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Manifest, manifestOf, packageFolders, ROOT } from '../house/source-tree.ts';
import { npm } from './cached-install.ts';

/** A package as `npm publish` would send it. */
interface Tarball {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Absolute path of the `.tgz`. */
  readonly path: string;
  /** Paths in it, relative to the package. */
  readonly files: readonly string[];
}

export interface Tarballs {
  readonly all: readonly Tarball[];
  readonly paths: readonly string[];
  /** Deletes the files. */
  remove(): void;
}

/** Packs every package of the workspace into a temporary folder. They must have been built. */
export async function packAll(): Promise<Tarballs> {
  const folder = mkdtempSync(join(tmpdir(), 'taskspan-pack-'));
  const packages = packageFolders();
  const workspaces = packages.flatMap((name) => ['-w', `packages/${name}`]);
  const printed = await npm(['pack', '--json', '--pack-destination', folder, ...workspaces], ROOT).catch(
    (error: unknown) => {
      rmSync(folder, { recursive: true });
      throw error;
    },
  );
  const packed = Object.values(JSON.parse(printed) as Record<string, PackedByNpm> | PackedByNpm[]);
  const all = packages.map((name): Tarball => {
    const manifest = manifestOf(`packages/${name}`);
    const entry = packed.find((candidate) => candidate.name === manifest.name);
    if (entry === undefined) throw new Error(`npm pack left out ${manifest.name}`);
    return {
      folder: name,
      manifest,
      path: join(folder, entry.filename.replace(/^@/, '').replaceAll('/', '-')),
      files: entry.files.map((file) => file.path),
    };
  });
  return { all, paths: all.map((tarball) => tarball.path), remove: () => rmSync(folder, { recursive: true }) };
}

interface PackedByNpm {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
