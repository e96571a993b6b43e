/** One bound: `>=1.91`, `<7`. */
const BOUND = /^(>=|<)(\d+)(?:\.(\d+))?(?:\.(\d+))?$/;

/**
 * Whether a version lies in a range of bounds such as `>=1.91 <7`. Prereleases count as the version that they lead to.
 *
 * @throws TypeError for a range that is not made of such bounds
 */
export function isInRange(version: string, range: string): boolean {
  const at = parts(/^(\d+)\.(\d+)\.(\d+)/.exec(version));
  if (at === undefined) return false;
  return range.split(' ').every((bound) => {
    const match = BOUND.exec(bound);
    if (match === null) throw new TypeError(`"${bound}" in the range "${range}" is not a bound such as >=1.2 or <3`);
    const [, comparison, ...rest] = match;
    const order = compare(
      at,
      rest.map((part) => Number(part ?? 0)),
    );
    return comparison === '>=' ? order >= 0 : order < 0;
  });
}

function parts(match: RegExpExecArray | null): number[] | undefined {
  return match?.slice(1).map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < 3; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
