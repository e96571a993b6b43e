import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { pino } from 'pino';
import type { CallerLogger } from './caller-logger.ts';
import { state } from './internal/state.ts';
import { heardWarnings, stopRecording } from './recorded-sdk.test.ts';
import { runTask, startTask } from './run-task.ts';
import { recordOrphanedTask, startTaskSpan } from './task-record.ts';

type Line = [level: string, message: unknown, fields: Record<string, unknown>];

function listening(): { lines: Line[]; logger: CallerLogger } {
  const lines: Line[] = [];
  const method =
    (level: string) =>
    (message: unknown, fields: Record<string, unknown>): void => {
      assert.equal(state.loggingToCaller, true);
      lines.push([level, message, fields]);
    };
  return { lines, logger: { info: method('info'), warn: method('warn'), error: method('error') } as CallerLogger };
}

describe("the caller's logger", () => {
  let warnings: string[];
  beforeEach(() => {
    warnings = heardWarnings();
  });
  afterEach(stopRecording);

  it('gets one line at the start and one at the end, as message and fields, also without an SDK', () => {
    const { lines, logger } = listening();
    runTask('commit', () => 1, {
      id: 'id-1',
      logger,
      attributes: { repository: 'repo', request_id: 'req', user: 'me', other: 'not here' },
    });
    const fields = { task_id: 'id-1', operation: 'commit', repository: 'repo', request_id: 'req', user: 'me' };
    assert.deepEqual(lines[0], ['info', 'task started', fields]);
    const [level, message, { duration_seconds: duration, ...ended }] = lines[1] as Line;
    assert.deepEqual([level, message, ended], ['info', 'task ended', { ...fields, status: 'success' }]);
    assert.equal(typeof duration, 'number');
    assert.equal(lines.length, 2);
    assert.equal(state.loggingToCaller, false);
  });

  it('gets the end at the level of its status', () => {
    const { lines, logger } = listening();
    startTask('a', { logger }).end();
    startTask('a', { logger }).end({ status: 'deferred' });
    startTask('a', { logger }).end({ status: 'cancelled' });
    startTask('a', { logger, deadline: 1 }).end();
    startTask('a', { logger }).end({ error: '' });
    recordOrphanedTask(logger, { id: 'lost' });
    const ends = lines.filter(([, message]) => message !== 'task started');
    assert.deepEqual(
      ends.map(([level, message, fields]) => [level, message, fields['status']]),
      [
        ['info', 'task ended', 'success'],
        ['info', 'task ended', 'deferred'],
        ['warn', 'task ended', 'cancelled'],
        ['warn', 'task ended', 'expired'],
        ['error', 'task ended', 'failure'],
        ['warn', 'task orphaned', 'orphaned'],
      ],
    );
    assert.equal(ends.at(-1)?.[2]['duration_seconds'], undefined);
  });

  it('gets unknown for a missing operation', () => {
    const { lines, logger } = listening();
    startTaskSpan(logger, {}).end();
    assert.equal(lines[0]?.[2]['operation'], 'unknown');
  });

  it('gets fields first when it is pino', () => {
    const written: Record<string, unknown>[] = [];
    const logger = pino({ base: null }, { write: (line) => void written.push(JSON.parse(line)) });
    startTask('commit', { id: 'id-1', logger }).end();
    assert.deepEqual(
      written.map((line) => [line['msg'], line['task_id'], line['operation']]),
      [
        ['task started', 'id-1', 'commit'],
        ['task ended', 'id-1', 'commit'],
      ],
    );
    assert.equal(written[1]?.['status'], 'success');
  });

  it('keeps its this', () => {
    class Own {
      readonly lines: string[] = [];
      info(message: string): void {
        this.lines.push(message);
      }
      warn(): void {}
      error(): void {}
    }
    const logger = new Own();
    startTask('op', { logger }).end();
    assert.deepEqual(logger.lines, ['task started', 'task ended']);
  });

  it('that throws, rejects or is none is reported and never reaches the work', async () => {
    const throwing = () => {
      throw new Error('logger');
    };
    const rejecting = () => Promise.reject(new Error('logger'));
    const unreadable = new Proxy({}, { get: throwing });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const bad = [
      { info: throwing, warn: throwing, error: throwing },
      { info: rejecting, warn: rejecting, error: rejecting },
      { info: 5 },
      {},
      unreadable,
      proxy,
      5,
      'text',
      true,
      () => 1,
    ];
    for (const logger of bad)
      assert.equal(
        runTask('op', () => 'done', { logger: logger as never }),
        'done',
      );
    await new Promise(setImmediate);
    assert.equal(state.loggingToCaller, false);
    assert.ok(warnings.some((line) => line.includes('logger.info must be a function')));
    assert.ok(warnings.some((line) => line.includes('the logger option failed')));
    assert.ok(warnings.some((line) => line.includes('a promise that was rejected')));
  });

  it('may be null', () => {
    assert.equal(
      runTask('op', () => 1, { logger: null as never }),
      1,
    );
    assert.deepEqual(warnings, []);
  });
});
