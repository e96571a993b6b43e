import { InjectQueue } from '@nestjs/bullmq';
import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Queue } from 'bullmq';
import type { Newsletter } from './newsletter';

const READERS = ['ann@example.com', 'bob (gone)', 'cid@example.com'];

@Injectable()
export class NewsletterService {
  private readonly logger = new Logger(NewsletterService.name);

  constructor(@InjectQueue('mail') private readonly mail: Queue<Newsletter>) {}

  @Interval('newsletter', 1000)
  async sendNewsletter(): Promise<void> {
    await this.mail.addBulk(READERS.map((to) => ({ name: 'newsletter', data: { to } })));
    this.logger.log(`newsletter for ${READERS.length} readers`);
  }
}
