/** What the server asks for its answers: `JobLogReader` and `MetricsAggregator` of `@taskspan/joblog` have it. */
import type { JobLogReader, MetricsAggregator } from '@taskspan/joblog';

export type JobSource = Pick<
  JobLogReader,
  'listJobs' | 'getJob' | 'getJobLogs' | 'getJobMetrics' | 'getJobTrace' | 'tail' | 'search'
>;

export type MetricsSource = Pick<MetricsAggregator, 'refresh' | 'render'>;
