/** The spans of a job, as they stand in its files. */
import { ATTR } from '@taskspan/core';
import type { JobLog } from './job-log.ts';
import { idNeedle } from './job-needle.ts';
import { batchTextsOf } from './line-batches.ts';
import type { LogTree } from './log-tree.ts';

/** Spans of one answer: a trace that is larger is none to look at. */
const MAX_SPANS = 10_000;

/** The spans of a job as OTLP-JSON, with the resources and scopes that they came with. */
export interface JobTrace {
  readonly resourceSpans: readonly OtlpGroup[];
  /** Whether there are more than the 10 000 that are given. */
  readonly has_more: boolean;
}

type OtlpGroup = Readonly<Record<string, unknown>>;

/** @param isVisible whether spans of this `service.name` may be seen */
export async function readTrace(
  tree: LogTree,
  log: JobLog,
  isVisible: (service: string | undefined) => boolean,
): Promise<JobTrace> {
  const found: OtlpGroup[] = [];
  const seen = new Set<string>();
  // A span that was delivered twice stands there twice.
  const isNew = (span: OtlpGroup): boolean => {
    const key = `${span['traceId']} ${span['spanId']}`.toLowerCase();
    if (attributeOf(span, ATTR.TASK_ID) !== log.jobId || seen.has(key)) return false;
    if (seen.size < MAX_SPANS) seen.add(key);
    else hasMore = true;
    return !hasMore;
  };
  let hasMore = false;
  const needle = idNeedle(log.jobId);
  for (const { file, offset, end } of log.spanPlaces) {
    for await (const line of tree.linesOf(file, { from: offset, needle })) {
      if (line.offset >= end || hasMore) break;
      for (const batch of batchTextsOf(line.text)) {
        for (const group of groupsOf(parsed(batch), 'resourceSpans')) {
          if (isVisible(attributeOf(fieldsOf(group['resource']), 'service.name'))) keep(found, group, isNew);
        }
      }
    }
  }
  return { resourceSpans: found, has_more: hasMore };
}

/** Keeps what is left of a group once spans of others are taken out. */
function keep(found: OtlpGroup[], group: OtlpGroup, isWanted: (span: OtlpGroup) => boolean): void {
  const scopeSpans = groupsOf(group, 'scopeSpans').flatMap((scope) => {
    const spans = groupsOf(scope, 'spans').filter(isWanted);
    return spans.length === 0 ? [] : [{ ...scope, spans }];
  });
  if (scopeSpans.length > 0) found.push({ ...group, scopeSpans });
}

/** Empty for a text that is no JSON of an object: what was skipped before is skipped again. */
function parsed(text: string): OtlpGroup {
  try {
    return fieldsOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function attributeOf(item: OtlpGroup, key: string): string | undefined {
  for (const attribute of groupsOf(item, 'attributes')) {
    const value = fieldsOf(attribute['value'])['stringValue'];
    if (attribute['key'] === key && typeof value === 'string') return value;
  }
  return undefined;
}

function groupsOf(item: OtlpGroup, key: string): readonly OtlpGroup[] {
  const list = item[key];
  return Array.isArray(list) ? list.map(fieldsOf) : [];
}

function fieldsOf(value: unknown): OtlpGroup {
  return typeof value === 'object' && value !== null ? (value as OtlpGroup) : {};
}
