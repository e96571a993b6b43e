import { Cron } from 'croner';
import { jobs, reportFailure } from '../jobs.js';

/** @returns {() => Promise<void>} stops all jobs; those that run still come to their end */
export function startJobs() {
  const started = jobs.map(
    ({ name, pattern, run }) =>
      new Cron(pattern, { name, protect: true, catch: (error) => reportFailure(name, error) }, run),
  );
  return async () => {
    for (const job of started) job.stop();
  };
}
