import { Module } from '@nestjs/common';
import { PriceList } from './price-list';
import { PricesService } from './prices.service';

@Module({ providers: [PriceList, PricesService] })
export class PricesModule {}
