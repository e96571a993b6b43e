/** How the lines and files of a job are found without decoding them. */
import { safeFileName } from '@taskspan/core/hub';
import type { LogFile } from './log-file.ts';

/**
 * A part of the id that stands in every line of the job as it is, whoever wrote the JSON: writers may escape other
 * characters as they like. Undefined when there is none.
 */
export function idNeedle(jobId: string): string | undefined {
  const parts = jobId.match(/[A-Za-z0-9._-]+/g) ?? [];
  return parts.reduce<string | undefined>((best, part) => (part.length > (best?.length ?? 0) ? part : best), undefined);
}

/** Name of the file that a writer makes for the job, without ending. */
export function ownFileName(jobId: string): string {
  return safeFileName(jobId);
}

/** True for the file that is the job's alone: every line of it is of the job, broken ones too. */
export function isOwnFile(file: LogFile, jobId: string): boolean {
  return file.name === ownFileName(jobId);
}
