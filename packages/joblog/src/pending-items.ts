import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ATTR, EVENT, SCOPE } from '@taskspan/core';
import { type DropSignal, type RunInfo, type RunRecord, recordDropped, safely } from '@taskspan/core/hub';
import { FileText } from './file-text.ts';
import { type Frame, Frames, type ResourceLike } from './frame.ts';
import { forgetRun, logRecordJson, runRecordJson } from './log-json.ts';
import { isSafeFile, isSharedFile, type RunFiles } from './run-files.ts';
import { spanJson } from './span-json.ts';

const OWN_SCOPE = { ...SCOPE };

/** A log record that was formatted when it came, because what it holds may be changed later. */
interface FormattedLog {
  readonly source: ReadableLogRecord;
  readonly json: string;
}

/** What waits for the next flush, unformatted, and its way into the text of files. */
export class PendingItems {
  records: RunRecord[] = [];
  spans: ReadableSpan[] = [];
  #logs: ReadableLogRecord[] = [];
  #formattedLogs: FormattedLog[] = [];
  readonly #runFiles: RunFiles;
  readonly #frames = new Frames();
  readonly #ownFrame: Frame;
  /** By `task.file` as it came. */
  #files = new Map<string, FileText>();

  constructor(runFiles: RunFiles, resource: ResourceLike) {
    this.#runFiles = runFiles;
    this.#ownFrame = this.#frames.of(resource, OWN_SCOPE);
  }

  addLog(record: ReadableLogRecord): void {
    if (!holdsObjects(record)) {
      this.#logs.push(record);
      return;
    }
    const json = format('logs', () => logRecordJson(record));
    if (json !== undefined) this.#formattedLogs.push({ source: record, json });
  }

  /** Formats all that waits, by file; empty when nothing does. */
  take(): readonly FileText[] {
    const { records, spans } = this;
    const logs = this.#logs;
    const formatted = this.#formattedLogs;
    this.#files = new Map();
    if (records.length > 0) {
      this.records = [];
      this.#addRecords(records);
    }
    if (spans.length > 0) {
      this.spans = [];
      for (const span of spans) this.#addSpan(span);
    }
    if (logs.length > 0) {
      this.#logs = [];
      for (const log of logs) this.#addLog(log, undefined);
    }
    if (formatted.length > 0) {
      this.#formattedLogs = [];
      for (const { source, json } of formatted) this.#addLog(source, json);
    }
    const files = [...this.#files.values()];
    this.#files = new Map();
    return files;
  }

  #addRecords(records: readonly RunRecord[]): void {
    let run: RunInfo | undefined;
    let text: FileText | undefined;
    for (const record of records) {
      if (text === undefined || record.run !== run) {
        run = record.run;
        text = this.#fileOf(run.file, record.timeMs);
      }
      const json = format('logs', () => runRecordJson(record));
      if (json === undefined) continue;
      text.addLog(this.#ownFrame, json);
      if (isSharedFile(text.file)) continue;
      if (record.sequence === 1) text.isNew = true;
      if (record.eventName === EVENT.ENDED || record.eventName === EVENT.ORPHANED) text.isLast = true;
    }
    forgetRun();
  }

  #addSpan(span: ReadableSpan): void {
    const text = this.#fileOf(span.attributes[ATTR.TASK_FILE], span.startTime[0] * 1000);
    const json = format('spans', () => spanJson(span));
    if (json !== undefined) text.addSpan(this.#frames.of(span.resource, span.instrumentationScope), json);
  }

  #addLog(record: ReadableLogRecord, formatted: string | undefined): void {
    const text = this.#fileOf(record.attributes[ATTR.TASK_FILE], record.hrTime[0] * 1000);
    const json = formatted ?? format('logs', () => logRecordJson(record));
    if (json !== undefined) text.addLog(this.#frames.of(record.resource, record.instrumentationScope), json);
  }

  /** `task.file` is trusted by nobody: what is no safe path goes to the file of the process. */
  #fileOf(file: unknown, timeMs: number): FileText {
    const known = typeof file === 'string' ? this.#files.get(file) : undefined;
    if (known !== undefined) return known;
    if (isSafeFile(file)) return this.#newFile(file);
    const shared = this.#runFiles.processFile(timeMs);
    return this.#files.get(shared) ?? this.#newFile(shared);
  }

  #newFile(file: string): FileText {
    const text = new FileText(file);
    this.#files.set(file, text);
    return text;
  }
}

/** A getter of the application may throw: that item is lost, and counted, and no other. */
function format(signal: DropSignal, join: () => string): string | undefined {
  const json = safely('formatting for the job log', join);
  if (json === undefined) recordDropped(signal, 'refused');
  return json;
}

/** True when body or attributes hold an object: its owner may change it before the flush. */
function holdsObjects(record: ReadableLogRecord): boolean {
  if (typeof record.body === 'object' && record.body !== null) return true;
  const { attributes } = record;
  for (const key in attributes) if (typeof attributes[key] === 'object') return true;
  return false;
}
