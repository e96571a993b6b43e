import assert from 'node:assert/strict';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runAttributes } from './records.ts';
import { currentRun } from './run-context.ts';
import { runTask } from './run-task.ts';
import { activeRunTicket, type RunTicket, withRunTicket } from './run-ticket.ts';

describe('run tickets', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  /** As it arrives in another process. */
  const ticketOfRun = (): RunTicket => {
    const ticket = runTask('op', () => activeRunTicket(), { id: 'id-1', attributes: { request_id: 'r1' } });
    assert.ok(ticket !== undefined);
    return JSON.parse(JSON.stringify(ticket)) as RunTicket;
  };

  it('let spans and records elsewhere belong to the run', () => {
    const ticket = ticketOfRun();
    const task = seen.span('op');
    context.with(ROOT_CONTEXT, () =>
      withRunTicket(ticket, () => {
        trace.getTracer('app').startSpan('child').end();
        const run = currentRun();
        assert.ok(run !== undefined);
        assert.deepEqual(runAttributes(run), {
          'task.id': 'id-1',
          operation: 'op',
          'task.run': task.spanContext().spanId,
          'task.file': task.attributes['task.file'],
          request_id: 'r1',
        });
        assert.deepEqual([run.nextSequence(), run.nextSequence()], [1, 2]);
      }),
    );
    const child = seen.span('child');
    assert.equal(child.parentSpanContext?.spanId, task.spanContext().spanId);
    assert.equal(child.spanContext().traceId, task.spanContext().traceId);
    assert.equal(child.attributes['task.id'], 'id-1');
  });

  it('link a run that is begun there', () => {
    const ticket = ticketOfRun();
    withRunTicket(ticket, () => runTask('inner', () => {}));
    assert.deepEqual(
      seen.span('inner').links.map((link) => link.context.spanId),
      [seen.span('op').spanContext().spanId],
    );
  });

  it('are none outside of a run, and change nothing when they are no tickets', () => {
    assert.equal(activeRunTicket(), undefined);
    const ticket = ticketOfRun();
    const wrong = [
      undefined,
      null,
      'ticket',
      {},
      { ...ticket, run: 'x' },
      { ...ticket, file: '../../etc/passwd' },
      { ...ticket, file: '2026-01-01/..' },
      { ...ticket, carrier: undefined },
      { ...ticket, startTimeMs: 'now' },
    ];
    for (const one of wrong)
      assert.equal(
        withRunTicket(one, () => currentRun()?.id ?? 'none'),
        'none',
      );
  });
});
