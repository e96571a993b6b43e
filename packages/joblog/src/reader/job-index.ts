import type { JobsRequest, JobsResponse } from './job.ts';
import type { JobFile } from './log-file.ts';
import type { JobSearchRequest, JobSearchResponse } from './search.ts';

/** What the reader asks of an index. Every answer is as fresh as the files are at the moment of the question. */
export interface JobIndex {
  /** The files that hold records or spans of this id; none when there is no such job. */
  filesOf(jobId: string): Promise<readonly JobFile[]>;
  listJobs(request: JobsRequest): Promise<JobsResponse>;
  search(request: JobSearchRequest): Promise<JobSearchResponse>;
  close(): Promise<void>;
}
