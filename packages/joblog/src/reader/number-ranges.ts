/** Numbers from 1 on that were seen, as ranges: a row without gaps is one of them, however long. */
export class NumberRanges {
  /** In order, apart from each other; both ends inclusive. */
  readonly #ranges: [first: number, last: number][] = [];

  /** True the first time for each number. */
  claim(number: number): boolean {
    const ranges = this.#ranges;
    const last = ranges.at(-1);
    if (last === undefined || number > last[1] + 1) {
      ranges.push([number, number]);
      return true;
    }
    if (number === last[1] + 1) {
      last[1] = number;
      return true;
    }
    return this.#claimBetween(number);
  }

  /** True when no number up to the highest is missing. */
  get isComplete(): boolean {
    return this.#ranges.length <= 1 && (this.#ranges[0]?.[0] ?? 1) === 1;
  }

  #claimBetween(number: number): boolean {
    const ranges = this.#ranges;
    // The first range that ends at the number before this one, or later.
    let low = 0;
    let high = ranges.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.[1] ?? 0) < number - 1) low = middle + 1;
      else high = middle;
    }
    const range = ranges[low];
    const next = ranges[low + 1];
    if (range === undefined || (number >= range[0] && number <= range[1])) return false;
    if (number === range[1] + 1) {
      range[1] = number;
      if (next?.[0] === number + 1) {
        range[1] = next[1];
        ranges.splice(low + 1, 1);
      }
    } else if (number === range[0] - 1) range[0] = number;
    else ranges.splice(low, 0, [number, number]);
    return true;
  }
}
