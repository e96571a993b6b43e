import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Job
 * @property {string} name
 * @property {string} pattern with seconds
 * @property {() => Promise<void>} run
 */

const REQUEST_MS = 40;
const INDEX_MS = 1500;

let prices = 0;

/** Asks for the newest prices. */
async function collectPrices() {
  await sleep(REQUEST_MS);
  prices += 3;
  console.log(`collect-prices: ${prices} prices so far`);
}

/** The mail server refuses, every time. */
async function sendReport() {
  console.log('send-report: sending to the shop owner');
  await sleep(REQUEST_MS);
  throw new Error('the mail server said 451 try again later');
}

/** Takes longer than there is time between two runs, so every second run has to be left out. */
async function rebuildIndex() {
  console.log('rebuild-index: started');
  await sleep(INDEX_MS);
  console.log('rebuild-index: done');
}

/** @type {readonly Job[]} */
export const jobs = [
  { name: 'collect-prices', pattern: '* * * * * *', run: collectPrices },
  { name: 'send-report', pattern: '*/2 * * * * *', run: sendReport },
  { name: 'rebuild-index', pattern: '* * * * * *', run: rebuildIndex },
];

/**
 * @param {string} name of the job
 * @param {unknown} error
 */
export function reportFailure(name, error) {
  console.error(`${name}: failed: ${error instanceof Error ? error.message : error}`);
}
