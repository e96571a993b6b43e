import { setTimeout as sleep } from 'node:timers/promises';

/** How often the bank does not answer before it does. */
const SILENT_CALLS = 2;

/** Stands for the payment service: slow to answer the first calls for an order. */
export class Bank {
  #calls = new Map();

  /**
   * @param {string} orderId
   * @param {number} cents
   * @returns {Promise<string>} number of the receipt
   */
  async charge(orderId, cents) {
    const call = (this.#calls.get(orderId) ?? 0) + 1;
    this.#calls.set(orderId, call);
    await sleep(20);
    if (call <= SILENT_CALLS) throw new BankTimeout('the bank did not answer');
    return `${orderId}-${cents}`;
  }
}

class BankTimeout extends Error {
  name = 'BankTimeout';
}
