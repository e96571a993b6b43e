/** OTel severity numbers of level names that mean the same in every logger. */
const KNOWN_LEVELS: Readonly<Record<string, number>> = {
  trace: 1,
  silly: 1,
  debug: 5,
  verbose: 6,
  http: 7,
  info: 9,
  notice: 10,
  warn: 13,
  warning: 13,
  error: 17,
  crit: 21,
  fatal: 21,
  alert: 22,
  emerg: 23,
};

const LOWEST = 1;
const HIGHEST = 24;

/** Severity of a winston level with no known name: just beside its nearest known neighbour, else by its rank. */
const RANKED = { mostSevere: 17, leastSevere: 5 } as const;

/**
 * Severity of an app's own winston level.
 *
 * @param levels the logger's levels, the lowest number being the most severe
 * @returns an OTel severity number, 1 to 24
 */
export function severityOfWinstonLevel(level: string, levels: Readonly<Record<string, number>>): number {
  const known = knownSeverity(level);
  if (known !== undefined) return known;
  const ranked = Object.keys(levels).sort((a, b) => (levels[a] ?? 0) - (levels[b] ?? 0));
  const rank = ranked.indexOf(level);
  if (rank < 0) return 0;
  for (let above = rank - 1; above >= 0; above -= 1) {
    const severity = knownSeverity(ranked[above]);
    if (severity !== undefined) return clamp(severity - (rank - above));
  }
  for (let below = rank + 1; below < ranked.length; below += 1) {
    const severity = knownSeverity(ranked[below]);
    if (severity !== undefined) return clamp(severity + (below - rank));
  }
  if (ranked.length === 1) return RANKED.mostSevere;
  const share = rank / (ranked.length - 1);
  return Math.round(RANKED.mostSevere - share * (RANKED.mostSevere - RANKED.leastSevere));
}

/**
 * Severity of a pino line: by the label where that is a known name (custom levels may number it in any way), else by
 * the number, pino's 10, 20... 60 being trace, debug... fatal, and what lies between lying between.
 */
export function severityOfPinoLevel(label: string | undefined, number: number): number {
  const known = knownSeverity(label);
  if (known !== undefined) return known;
  if (!Number.isFinite(number)) return 0;
  return clamp(Math.floor((number / 10) * 4) - 3);
}

function knownSeverity(level: string | undefined): number | undefined {
  return level !== undefined && Object.hasOwn(KNOWN_LEVELS, level) ? KNOWN_LEVELS[level] : undefined;
}

function clamp(severity: number): number {
  return Math.min(HIGHEST, Math.max(LOWEST, severity));
}
