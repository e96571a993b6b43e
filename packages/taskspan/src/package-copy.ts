import { fileURLToPath } from 'node:url';
import { SCOPE } from '@taskspan/core';

/** One installed copy of this package, of which a process may have loaded several. */
export interface PackageCopy {
  readonly version: string;
  readonly folder: string;
}

export const OWN_COPY: PackageCopy = {
  version: SCOPE.version,
  folder: fileURLToPath(new URL('..', import.meta.url)),
};

/** @param owner what runs the toolkit in this process, of another copy: perhaps one that does not say which it is */
export function describeTwoCopies({ copy }: { readonly copy?: PackageCopy }): string {
  const other = copy === undefined ? 'another one' : describe(copy);
  return `two copies of taskspan are started: ${other} acts, ${describe(OWN_COPY)} does not; keep one`;
}

function describe({ version, folder }: PackageCopy): string {
  return `version ${version} in ${folder}`;
}
