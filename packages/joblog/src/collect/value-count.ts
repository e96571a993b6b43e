/** True when a value of JSON, however deep, holds more than so many values. */
export function hasMoreValues(value: unknown, most: number): boolean {
  let count = 0;
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== 'object' || next === null) continue;
    const values = Object.values(next);
    count += values.length;
    if (count > most) return true;
    for (const inner of values) left.push(inner);
  }
  return false;
}
