import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import type { Newsletter } from './newsletter';

@Processor('mail')
export class MailProcessor extends WorkerHost {
  private readonly logger = new Logger(MailProcessor.name);

  async process(job: Job<Newsletter>): Promise<string> {
    const { to } = job.data;
    if (!/^\S+@\S+$/.test(to)) throw new TypeError(`not an address: ${to}`);
    this.logger.log(`${job.name} sent to ${to}`);
    return to;
  }

  @OnWorkerEvent('failed')
  onFailed(job: Job<Newsletter>, error: Error): void {
    this.logger.warn(`${job.name} failed: ${error.message}`);
  }
}
