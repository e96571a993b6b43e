import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { MailModule } from './mail/mail.module';
import { PricesModule } from './prices/prices.module';
import { ReportsModule } from './reports/reports.module';

const { REDIS_URL } = process.env;

/** Without a Redis there is no mail. */
const queues = REDIS_URL === undefined ? [] : [BullModule.forRoot({ connection: { url: REDIS_URL } }), MailModule];

@Module({ imports: [ScheduleModule.forRoot(), PricesModule, ReportsModule, ...queues] })
export class AppModule {}
