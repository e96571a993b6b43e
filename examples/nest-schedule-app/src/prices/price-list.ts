import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Stands for the shops whose prices are compared. */
@Injectable()
export class PriceList {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Asks the shops. */
  async refresh(): Promise<void> {
    await sleep(30);
    this.#count += 3;
  }
}
