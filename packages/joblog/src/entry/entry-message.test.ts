import assert from 'node:assert/strict';
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { entries } from './entry.test.fixture.ts';
import { parseEntryLine } from './entry-line.ts';
import { entryOfMessage, messageOf } from './entry-message.ts';
import { JobLogEntrySchema } from './generated/joblog_pb.ts';
import type { JobLogEntry } from './job-log-entry.ts';

/** The runtime keeps a map as an object, in which this one key would be no key. */
const mappable = entries.filter((entry) => !JSON.stringify(entry).includes('"__proto__":'));

describe('an entry as a message of protobuf', () => {
  it('is the same entry again, also after its binary form', () => {
    fc.assert(
      fc.property(mappable, (entry) => {
        const bytes = toBinary(JobLogEntrySchema, messageOf(entry));
        assert.deepEqual(plain(entryOfMessage(messageOf(entry))), entry);
        assert.deepEqual(plain(entryOfMessage(fromBinary(JobLogEntrySchema, bytes))), entry);
      }),
      { numRuns: 500 },
    );
  });

  it("is JSON of protobuf as it stands: any language's reader of it takes our entries", () => {
    fc.assert(
      fc.property(mappable, (entry) => {
        const json = JSON.parse(JSON.stringify(entry)) as JobLogEntry & JsonValue;
        assert.deepEqual(plain(entryOfMessage(fromJson(JobLogEntrySchema, json))), json);
      }),
      { numRuns: 500 },
    );
  });

  it("is read from what any language's printer of JSON makes of it", () => {
    const tellable = mappable.filter(({ metric, event }) => metric?.name !== '' && event?.event_type !== '');
    fc.assert(
      fc.property(tellable, fc.boolean(), fc.boolean(), (entry, alwaysEmitImplicit, useProtoFieldName) => {
        const json = toJson(JobLogEntrySchema, messageOf(entry), { alwaysEmitImplicit, useProtoFieldName });
        const { timeNanos: _, jobId, sequenceNumber, outputs, ...content } = parseEntryLine(JSON.stringify(json)) ?? {};
        const {
          timestamp: __,
          job_id,
          sequence_number,
          outputs: refs,
          ...same
        } = JSON.parse(JSON.stringify(entry)) as JobLogEntry;
        assert.deepEqual([jobId, sequenceNumber, outputs, content], [job_id, sequence_number, refs, same]);
      }),
      { numRuns: 500 },
    );
  });

  it('has a level that is left out where nobody gave one: it is INFO then, not the lowest', () => {
    const message = fromJson(JobLogEntrySchema, { log: { message: 'x' } });
    assert.equal(entryOfMessage(message).log?.level, 'INFO');
    const debug = messageOf({ ...entryOfMessage(message), log: { level: 'DEBUG', message: 'x', fields: {} } });
    assert.deepEqual(toJson(JobLogEntrySchema, debug), { log: { level: 'DEBUG', message: 'x' } });
  });
});

/** Maps of messages have no prototype. */
function plain(entry: JobLogEntry): JobLogEntry {
  return structuredClone(entry);
}
