import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { MailProcessor } from './mail.processor';
import { NewsletterService } from './newsletter.service';

@Module({
  imports: [BullModule.registerQueue({ name: 'mail' })],
  providers: [MailProcessor, NewsletterService],
})
export class MailModule {}
