import assert from 'node:assert/strict';
import { type DescMessage, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import type { JobLogReader } from '@taskspan/joblog';
import {
  JobLogsResponseSchema,
  JobMetricsResponseSchema,
  JobSchema,
  JobSearchResponseSchema,
  JobsResponseSchema,
} from '@taskspan/joblog/proto';
import { DAY, JobTree } from './job-tree.ts';

describe('answers of the reader', () => {
  let tree: JobTree;
  let reader: JobLogReader;
  before(() => {
    tree = new JobTree();
    tree.write(`${DAY}/job.jsonl`, [
      { event: 'task.started', attributes: { 'task.label': 'nightly', 'task.attempt': 1 } },
      { body: 'needle', attributes: { rows: 3 } },
      { event: 'task.progress', body: 'half', attributes: { 'task.progress': 0.5 } },
      { event: 'task.metric', attributes: { 'metric.name': 'rows', 'metric.value': 0, 'metric.label.a': 'b' } },
      { event: 'task.ended', attributes: { 'task.status': 'failure', 'error.type': 'Error', 'task.outputs': ['x'] } },
      { event: 'task.manifest', attributes: { 'manifest.outputs': ['x'], 'manifest.start_time': 1769509845.5 } },
    ]);
    tree.append(`${DAY}/job.jsonl`, 'half a line');
    tree.write(`${DAY}/open.jsonl`, [{ id: 'open', event: 'task.started' }]);
    reader = tree.reader();
  });
  after(() => tree.remove());

  const cases: readonly (readonly [string, DescMessage, () => Promise<object>])[] = [
    ['getJobLogs', JobLogsResponseSchema, () => reader.getJobLogs({ job_run_id: 'job' })],
    ['getJobLogs, a page', JobLogsResponseSchema, () => reader.getJobLogs({ job_run_id: 'job', limit: 1 })],
    ['getJob', JobSchema, () => reader.getJob('job')],
    ['getJob, open', JobSchema, () => reader.getJob('open')],
    ['getJobMetrics', JobMetricsResponseSchema, () => reader.getJobMetrics('job')],
    ['listJobs', JobsResponseSchema, () => reader.listJobs()],
    ['search', JobSearchResponseSchema, () => reader.search({ needle: 'needle' })],
  ];
  for (const [name, schema, ask] of cases) {
    it(`of ${name} are messages of the proto, and nothing of them is lost in one`, async () => {
      const answer = JSON.parse(JSON.stringify(await ask())) as JsonValue;
      const json = toJson(schema, fromJson(schema, answer), { useProtoFieldName: true });
      assert.deepEqual(said(json), said(answer));
    });
  }
});

/** What is not the default: messages leave out what is null, empty, zero or false, and write 64-bit numbers as texts. */
function said(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(said);
  if (typeof json !== 'object' || json === null) return json;
  const fields = Object.entries(json)
    .map(([key, value]) => [key, key === 'sequence_number' ? String(value) : said(value)] as const)
    .filter(([, value]) => !isDefault(value))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(fields);
}

function isDefault(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === null || value === '' || value === 0 || value === false;
}
