import type { Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';

/** Both stand on their library's own classes, which are what is hooked: here it is made sure that this is in time. */
const NEST_BULLMQ: Library = {
  name: 'nest-bullmq',
  patches: [
    { module: '@nestjs/bullmq', versions: '>=10 <13', hooks: [], companions: ['bullmq'] },
    { module: '@nestjs/bull', versions: '>=10 <13', hooks: [], companions: ['bull'] },
  ],
};

/** BullMQ and Bull below Nest. */
export class NestBullMQInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return NEST_BULLMQ;
  }
}
