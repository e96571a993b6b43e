import { CronJob } from 'cron';
import { jobs, reportFailure } from '../jobs.js';

/** @returns {() => Promise<void>} stops all jobs and waits for those that run */
export function startJobs() {
  const started = jobs.map(({ name, pattern, run }) =>
    CronJob.from({
      name,
      cronTime: pattern,
      onTick: run,
      waitForCompletion: true,
      errorHandler: (error) => reportFailure(name, error),
      start: true,
    }),
  );
  return async () => {
    await Promise.all(started.map((job) => job.stop()));
  };
}
