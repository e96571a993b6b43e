import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';

class MailServerBusy extends Error {
  override name = 'MailServerBusy';
}

@Injectable()
export class ReportsService {
  private readonly logger = new Logger(ReportsService.name);

  /** Fails every time; the scheduler reports it and goes on. */
  @Cron('*/2 * * * * *', { name: 'send-report' })
  async sendReport(): Promise<void> {
    this.logger.log('sending the report');
    throw new MailServerBusy('451 try again later');
  }
}
