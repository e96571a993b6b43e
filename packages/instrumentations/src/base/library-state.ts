import { type LibrarySighting, state } from '@taskspan/core/hub';

/** Remembers what became of a library in this process, for whoever asks why its jobs are (not) captured. */
export function noteLibrary(sighting: LibrarySighting): void {
  const { library, module, version = '' } = sighting;
  const key = `${library} ${module} ${version}`;
  const before = state.libraries.get(key);
  // Of several files of one package, one that could not be hooked decides.
  if (before?.hooked === false) return;
  state.libraries.set(key, sighting);
}
