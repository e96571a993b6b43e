/** Entries as messages of the proto, for programs that speak protobuf: binary, gRPC, or their own printers of JSON. */
import { create } from '@bufbuild/protobuf';
import {
  type JobLogEntry as EntryMessage,
  JobEventSchema,
  JobLogEntrySchema,
  JobManifestSchema,
  LogLevel,
  LogMessageSchema,
  MetricPointSchema,
  OutputRefSchema,
} from './generated/joblog_pb.ts';
import { type JobLogEntry, LOG_LEVELS, type OutputRef } from './job-log-entry.ts';
import { jsonDouble } from './json-double.ts';

type MessageContent = EntryMessage['content'];

/** The message of an entry. {@link entryOfMessage} makes the same entry of it again. */
export function messageOf(entry: JobLogEntry): EntryMessage {
  return create(JobLogEntrySchema, {
    timestamp: entry.timestamp,
    jobId: entry.job_id,
    outputs: refMessages(entry.outputs),
    sequenceNumber: BigInt(entry.sequence_number),
    content: contentMessage(entry),
  });
}

function contentMessage({ log, metric, event, manifest }: JobLogEntry): MessageContent {
  if (log !== undefined) {
    const { level, message, fields } = log;
    return { case: 'log', value: create(LogMessageSchema, { level: LogLevel[level], message, fields: { ...fields } }) };
  }
  if (metric !== undefined) {
    const { name, value, labels, unit } = metric;
    return {
      case: 'metric',
      value: create(MetricPointSchema, { name, value: Number(value), labels: { ...labels }, unit }),
    };
  }
  if (event !== undefined) {
    const { event_type: eventType, job_label: jobLabel, metadata } = event;
    return { case: 'event', value: create(JobEventSchema, { eventType, jobLabel, metadata: { ...metadata } }) };
  }
  if (manifest !== undefined) {
    const value = create(JobManifestSchema, {
      outputs: refMessages(manifest.outputs),
      inputs: refMessages(manifest.inputs),
      startTime: manifest.start_time,
      endTime: manifest.end_time,
      metadata: { ...manifest.metadata },
    });
    return { case: 'manifest', value };
  }
  return { case: undefined };
}

function refMessages(refs: readonly OutputRef[]): EntryMessage['outputs'] {
  return refs.map(({ str }) => create(OutputRefSchema, { str }));
}

/** The entry of a message; numbers beyond 2^53 lose their last digits. */
export function entryOfMessage(message: EntryMessage): JobLogEntry {
  return {
    timestamp: message.timestamp,
    job_id: message.jobId,
    outputs: refsOf(message.outputs),
    sequence_number: Number(message.sequenceNumber),
    ...contentOfMessage(message.content),
  };
}

function contentOfMessage(content: MessageContent): Pick<JobLogEntry, 'log' | 'metric' | 'event' | 'manifest'> {
  switch (content.case) {
    case 'log': {
      const { level = LogLevel.INFO, message, fields } = content.value;
      return { log: { level: LOG_LEVELS[level] ?? 'INFO', message, fields } };
    }
    case 'metric': {
      const { name, value, labels, unit } = content.value;
      return { metric: { name, value: jsonDouble(value), labels, unit } };
    }
    case 'event': {
      const { eventType, jobLabel, metadata } = content.value;
      return { event: { event_type: eventType, job_label: jobLabel, metadata } };
    }
    case 'manifest': {
      const { outputs, inputs, startTime, endTime, metadata } = content.value;
      return {
        manifest: {
          outputs: refsOf(outputs),
          inputs: refsOf(inputs),
          start_time: startTime,
          end_time: endTime,
          metadata,
        },
      };
    }
    default:
      return {};
  }
}

function refsOf(messages: EntryMessage['outputs']): readonly OutputRef[] {
  return messages.map(({ str }) => ({ str }));
}
