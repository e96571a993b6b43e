import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression, Interval, Timeout } from '@nestjs/schedule';
import { PriceList } from './price-list';

@Injectable()
export class PricesService {
  private readonly logger = new Logger(PricesService.name);

  constructor(private readonly prices: PriceList) {}

  @Timeout('warm-up', 100)
  async warmUp(): Promise<void> {
    await this.prices.refresh();
    this.logger.log('warm');
  }

  @Cron(CronExpression.EVERY_SECOND, { name: 'collect-prices', waitForCompletion: true })
  async collectPrices(): Promise<void> {
    await this.prices.refresh();
    this.logger.log(`${this.prices.count} prices collected`);
  }

  @Interval('count-prices', 700)
  countPrices(): number {
    this.logger.log(`${this.prices.count} prices known`);
    return this.prices.count;
  }
}
