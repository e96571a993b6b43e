import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ATTR, EVENT, SCOPE } from '@taskspan/core';
import {
  type DropSignal,
  type Frame,
  Frames,
  forgetRun,
  formatApart,
  formatted,
  holdsObjects,
  logRecordJson,
  type ResourceLike,
  type RunLines,
  type RunRecord,
  recordDropped,
  reportOnce,
  runRecordJson,
  spanJson,
} from '@taskspan/core/hub';
import type { BytesAppend, TextAppend } from './append-batch.ts';
import { Lines } from './file-lines.ts';
import { LineEncoder } from './line-encoder.ts';
import { isSafeFile, isSharedFile, type RunFiles } from './run-files.ts';

/** A log record, formatted when it came if what it holds may be changed later. */
interface QueuedLog {
  readonly record: ReadableLogRecord;
  readonly json: string | undefined;
  readonly isAscii: boolean;
}

/** Characters of a file's lines that are handed on together: less than a batch holds. */
const PIECE_CHARS = 256 * 1024;

/** What waits for one file, unformatted. */
class FileItems {
  readonly records: (RunRecord | RunLines)[] = [];
  readonly spans: ReadableSpan[] = [];
  readonly logs: QueuedLog[] = [];
}

/** What waits for the next flush, and its way into the text of files. */
export class PendingItems {
  #records: (RunRecord | RunLines)[] = [];
  #spans: ReadableSpan[] = [];
  #logs: QueuedLog[] = [];
  readonly #runFiles: RunFiles;
  readonly #frames = new Frames();
  readonly #ownFrame: Frame;
  /** Made when the first lines come together. */
  #encoder: LineEncoder | undefined;

  constructor(runFiles: RunFiles, resource: ResourceLike) {
    this.#runFiles = runFiles;
    this.#ownFrame = this.#frames.of(resource, { ...SCOPE });
  }

  addRecord(record: RunRecord): void {
    this.#records.push(record);
  }

  addLines(lines: RunLines): void {
    this.#records.push(lines);
  }

  addSpan(span: ReadableSpan): void {
    this.#spans.push(span);
  }

  addLog(record: ReadableLogRecord): void {
    if (!holdsObjects(record)) {
      this.#logs.push({ record, json: undefined, isAscii: true });
      return;
    }
    // Apart, because it may be a getter that logs while a file is being formatted.
    const { value: json, isAscii } = formatApart(() => format('logs', logRecordJson, record));
    if (json !== undefined) this.#logs.push({ record, json, isAscii });
  }

  /** Takes all that waits; each file's part is formatted when it is asked for. */
  take(): Iterable<TextAppend | BytesAppend> {
    const files = this.#group();
    this.#records = [];
    this.#spans = [];
    this.#logs = [];
    return this.#format(files);
  }

  *#format(files: ReadonlyMap<string, FileItems>): Generator<TextAppend | BytesAppend> {
    const logs = new Lines('logs');
    const spans = new Lines('spans');
    for (const [file, items] of files) {
      formatted.isAscii = true;
      // The file that a run has for itself is made with its first record, and done with its last.
      const isOwn = !isSharedFile(file);
      let isNew = isOwn && items.records[0] !== undefined && numberOf(items.records[0]) === 1;
      for (const piece of this.#pieces(items, logs, spans)) {
        const hints = { file, isNew, isLast: false };
        if (typeof piece !== 'string') yield { bytes: piece, ...hints };
        else yield { text: piece, isAscii: formatted.isAscii, ...hints };
        isNew = false;
      }
      const text = logs.take() + spans.take();
      const isLast = isOwn && items.records.some(endsRun);
      if (text !== '' || isLast) yield { file, text, isAscii: formatted.isAscii, isNew, isLast };
    }
    forgetRun();
  }

  /**
   * Formats all items of a file. Whole lines come out as soon as there are many: what a thousand runs share is handed on
   * in pieces, and is nowhere as a whole. The rest stays in `logs` and `spans`.
   */
  *#pieces(items: FileItems, logs: Lines, spans: Lines): Generator<string | Buffer> {
    forgetRun();
    for (const record of items.records) {
      if ('texts' in record) {
        const before = logs.take();
        if (before !== '') yield before;
        this.#encoder ??= new LineEncoder(this.#ownFrame);
        yield* this.#encoder.encode(record);
        continue;
      }
      const json = format('logs', runRecordJson, record);
      if (record.isAlone === true) logs.closeLine();
      if (json !== undefined) logs.add(this.#ownFrame, json);
      if (record.isAlone === true) logs.closeLine();
      if (logs.closedChars >= PIECE_CHARS) yield logs.takeClosed();
    }
    this.#formatLogs(items, logs);
    for (const span of items.spans) {
      const json = format('spans', spanJson, span);
      if (json !== undefined) spans.add(this.#frames.of(span.resource, span.instrumentationScope), json);
      if (spans.closedChars >= PIECE_CHARS) yield spans.takeClosed();
    }
  }

  #formatLogs({ logs }: FileItems, lines: Lines): void {
    for (const log of logs) {
      const { record } = log;
      if (!log.isAscii) formatted.isAscii = false;
      const json = log.json ?? format('logs', logRecordJson, record);
      if (json !== undefined) lines.add(this.#frames.of(record.resource, record.instrumentationScope), json);
    }
  }

  #group(): ReadonlyMap<string, FileItems> {
    const files = new Map<string, FileItems>();
    const itemsOf = (file: unknown, timeMs: number): FileItems => {
      const known = typeof file === 'string' ? files.get(file) : undefined;
      if (known !== undefined) return known;
      // `task.file` is trusted by nobody: what is no safe path goes to the file of the process.
      const safe = isSafeFile(file) ? file : this.#runFiles.processFile(timeMs);
      const items = files.get(safe) ?? new FileItems();
      files.set(safe, items);
      return items;
    };
    for (const record of this.#records) itemsOf(record.run.file, record.timeMs).records.push(record);
    for (const span of this.#spans) itemsOf(span.attributes[ATTR.TASK_FILE], span.startTime[0] * 1000).spans.push(span);
    for (const log of this.#logs) {
      itemsOf(log.record.attributes[ATTR.TASK_FILE], log.record.hrTime[0] * 1000).logs.push(log);
    }
    return files;
  }
}

/** True for the last record of a run. */
export function endsRun(record: RunRecord | RunLines): boolean {
  if ('texts' in record) return false;
  return record.eventName === EVENT.ENDED || record.eventName === EVENT.ORPHANED;
}

function numberOf(record: RunRecord | RunLines): number {
  return 'texts' in record ? record.firstSequence : record.sequence;
}

/** A getter of the application may throw: that item is lost, and counted, and no other. */
function format<T>(signal: DropSignal, join: (item: T) => string, item: T): string | undefined {
  try {
    return join(item);
  } catch (error) {
    refuse(signal, error);
    return undefined;
  }
}

/** Counts an item that cannot be written. */
export function refuse(signal: DropSignal, error: unknown): void {
  reportOnce('joblog.refused', `something cannot be written to the job log: ${String(error)}`);
  recordDropped(signal, 'refused');
}
