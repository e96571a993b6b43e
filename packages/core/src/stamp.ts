import { type Context, type Span, trace } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { starterRun } from './env-carrier.ts';
import { state } from './internal/state.ts';
import { ATTR } from './names.ts';
import { writeOwnAttribute } from './own-attributes.ts';
import { runAttributes } from './records.ts';
import { currentRun } from './run-context.ts';
import { nameFile } from './task-file.ts';

/** The part of the SDK's span that stamping needs. */
interface StampableSpan extends Span {
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** The part of the SDK's log record that stamping needs. It keeps its attributes in a plain object, out of reach of limits. */
interface StampableRecord {
  readonly attributes: Record<string, AnyValue>;
}

/**
 * A span processor that leads every descendant span back to its run: `task.id` and `task.file`. Task spans of this API
 * carry them already. A span that another library started as a task (`operation` and a `task.id` of its own) gets a
 * file of its own.
 */
export class RunStampSpanProcessor {
  onStart(span: StampableSpan, parentContext: Context): void {
    // A run's own span carries both already.
    if (state.starting !== undefined || state.adopted?.has(span) === true) return;
    const own = span.attributes;
    const ownId = own?.[ATTR.TASK_ID];
    if (own?.[ATTR.OPERATION] !== undefined && typeof ownId === 'string' && ownId !== '') {
      const now = Date.now();
      writeOwnAttribute(span, ATTR.TASK_FILE, nameFile(ownId, now));
      return;
    }
    const run = currentRun(parentContext);
    if (run === undefined) return;
    writeOwnAttribute(span, ATTR.TASK_ID, run.id);
    writeOwnAttribute(span, ATTR.TASK_FILE, run.file);
    if (state.adopted !== undefined) inheritAdoption(span, parentContext);
  }

  onEnd(): void {}

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Below an adopted span no context knows the run: each span hands it on to those below. */
function inheritAdoption(span: Span, parentContext: Context): void {
  const parent = trace.getSpan(parentContext);
  const run = parent === undefined ? undefined : state.adopted?.get(parent);
  if (run !== undefined) state.adopted?.set(span, run);
}

/**
 * A log record processor that gives every record made inside a run the run's attributes and its next sequence number. A
 * record outside any run is of the run that started this process, if one did: only its owner numbers what is said in it.
 */
export class RunStampLogProcessor {
  onEmit(record: StampableRecord, emitContext?: Context): void {
    if (record.attributes[ATTR.TASK_SEQUENCE] !== undefined) return;
    const run = currentRun(emitContext);
    if (run === undefined) {
      stampStarter(record);
      return;
    }
    const attributes = runAttributes(run);
    const { fields } = run;
    for (const key in attributes) {
      // What a line says of itself goes before what was given at submission; the run's identity before both.
      if (fields !== undefined && key in fields && record.attributes[key] !== undefined) continue;
      record.attributes[key] = attributes[key];
    }
    record.attributes[ATTR.TASK_SEQUENCE] = run.nextSequence();
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function stampStarter({ attributes }: StampableRecord): void {
  const starter = starterRun();
  if (starter === undefined || attributes[ATTR.TASK_ID] !== undefined) return;
  attributes[ATTR.TASK_ID] = starter.id;
  if (starter.run !== undefined) attributes[ATTR.TASK_RUN] = starter.run;
}
