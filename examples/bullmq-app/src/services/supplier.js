import { setTimeout as sleep } from 'node:timers/promises';

/** Stands for the supplier's stock service, which takes one request in a while and says when to come back. */
export class Supplier {
  #pauseMs;
  #openAt = 0;
  #reserved = new Set();

  constructor({ pauseMs = 500 } = {}) {
    this.#pauseMs = pauseMs;
  }

  /**
   * @param {string} orderId
   * @param {string} item
   * @returns {Promise<number>} 0 when the item is reserved, or milliseconds after which to ask again
   */
  async reserve(orderId, item) {
    const closedMs = this.#openAt - Date.now();
    if (closedMs > 0) return closedMs;
    this.#openAt = Date.now() + this.#pauseMs;
    await sleep(20);
    this.#reserved.add(`${orderId} ${item}`);
    return 0;
  }

  /**
   * @param {string} orderId
   * @param {string} item
   */
  hasReserved(orderId, item) {
    return this.#reserved.has(`${orderId} ${item}`);
  }

  get reservedCount() {
    return this.#reserved.size;
  }
}
