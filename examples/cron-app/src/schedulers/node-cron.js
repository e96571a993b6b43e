import cron from 'node-cron';
import { jobs } from '../jobs.js';

/** Longer than any job here takes. */
const SHUTDOWN_MS = 5000;

/** @returns {() => Promise<void>} stops all jobs and waits for those that run */
export function startJobs() {
  // node-cron prints failures itself.
  for (const { name, pattern, run } of jobs) cron.schedule(pattern, run, { name, noOverlap: true });
  return () => cron.shutdown(SHUTDOWN_MS);
}
