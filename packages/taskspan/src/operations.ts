import { reportOnce } from '@taskspan/core/hub';
import { LIBRARIES } from '@taskspan/instrumentations/libraries';

/**
 * Names the runs of libraries, by the name of each library: gets the library's own object of the job, and returns a
 * bounded name, or undefined for the usual one. Written as a method, so that its parameter may be of the library's type.
 */
export type Operations = Readonly<Record<string, { name(job: unknown): string | undefined }['name']>>;

/**
 * Those that some library will use, by its name: a package name is understood too. What is wrong with the others is
 * reported.
 */
export function knownOperations(given: Operations | undefined): Operations {
  const known: Record<string, Operations[string]> = {};
  for (const [key, operation] of Object.entries(given ?? {})) {
    const entry = LIBRARIES.find(({ name, packages }) => name === key || packages.includes(key));
    if (entry === undefined) {
      const names = LIBRARIES.map(({ name }) => name).join(', ');
      reportOnce(`operations.${key}`, `operations: no library is called "${key}"; known are ${names}`);
    } else if (typeof operation !== 'function') {
      reportOnce(`operations.${key}`, `operations: ${key} is no function; the usual names are used`);
    } else known[entry.name] = operation;
  }
  return known;
}
