/** Above this share of places in use, searching becomes long. */
const MAX_LOAD = 0.6;
const MIN_PLACES = 16;

const EMPTY = 0;
const DELETED = -1;

/**
 * Numbers by number in two flat arrays: 27 bytes for each at most, where a `Map` of texts takes 100 or more. There may be
 * a million of them.
 */
export class NumberTable {
  #keys = new Float64Array(MIN_PLACES);
  #values = new Float64Array(MIN_PLACES);
  #size = 0;
  /** Places that are not empty, those of what was deleted among them. */
  #used = 0;

  get size(): number {
    return this.#size;
  }

  /** @param key a positive integer, as {@link TextHash} makes it */
  get(key: number): number | undefined {
    const place = this.#find(key);
    return this.#keys[place] === key ? this.#values[place] : undefined;
  }

  set(key: number, value: number): void {
    if (this.#used >= this.#keys.length * MAX_LOAD) this.#grow();
    const place = this.#find(key);
    if (this.#keys[place] !== key) {
      this.#size += 1;
      this.#used += 1;
      this.#keys[place] = key;
    }
    this.#values[place] = value;
  }

  delete(key: number): void {
    const place = this.#find(key);
    if (this.#keys[place] !== key) return;
    this.#keys[place] = DELETED;
    this.#size -= 1;
  }

  /** Deletes all whose value is not wanted. */
  keep(isWanted: (value: number) => boolean): void {
    for (const [key, value] of this.entries()) if (!isWanted(value)) this.delete(key);
  }

  *entries(): Generator<readonly [key: number, value: number], void, undefined> {
    for (let place = 0; place < this.#keys.length; place += 1) {
      const key = this.#keys[place] ?? EMPTY;
      if (key > EMPTY) yield [key, this.#values[place] ?? 0];
    }
  }

  /** The place of a key, or the empty one where it belongs. */
  #find(key: number): number {
    const places = this.#keys.length;
    let place = key % places;
    while (this.#keys[place] !== key && this.#keys[place] !== EMPTY) place = (place + 1) % places;
    return place;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    const wanted = Math.max(MIN_PLACES, this.#size * 2.5);
    let places = MIN_PLACES;
    while (places < wanted) places *= 2;
    this.#keys = new Float64Array(places);
    this.#values = new Float64Array(places);
    this.#size = 0;
    this.#used = 0;
    keys.forEach((key, place) => {
      if (key > EMPTY) this.set(key, values[place] ?? 0);
    });
  }
}
