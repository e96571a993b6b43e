import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { logs } from '@opentelemetry/api-logs';
import { startTask } from '@taskspan/core';
import { clearReports } from '@taskspan/core/hub';
import { pino } from 'pino';
import { PinoBridge } from './pino-bridge.ts';
import { type RecordedLines, recordLines } from './recorded-lines.test.support.ts';

function printer(): { readonly printed: string[]; write(line: string): void } {
  const printed: string[] = [];
  return { printed, write: (line) => void printed.push(line) };
}

describe('PinoBridge', () => {
  let recorded: RecordedLines;
  let bridge: PinoBridge;
  const before = pino({}, printer());

  beforeEach(() => {
    recorded = recordLines();
    bridge = new PinoBridge();
  });

  afterEach(async () => {
    bridge.disable();
    clearReports();
    await recorded.stop();
  });

  it('captures lines inside a run with the ids of the run, from loggers made before and after it', async () => {
    const after = pino({}, printer());
    before.info('outside');
    const lines = await recorded.inRun(async () => {
      before.info({ size: 3 }, 'from %s', 'before');
      await Promise.resolve();
      after.warn('from after');
      after.debug('below the level');
    });
    assert.deepEqual(
      lines.map((line) => [line.body, line.severityNumber, line.severityText, line.instrumentationScope.name]),
      [
        ['from before', 9, 'info', '@taskspan/pino'],
        ['from after', 13, 'warn', '@taskspan/pino'],
      ],
    );
    const { 'task.id': id, size, pid, hostname: host, level, time, msg } = lines[0]?.attributes ?? {};
    assert.deepEqual(
      { id, size, pid, host, level, time, msg },
      {
        id: 'run-1',
        size: 3,
        pid: undefined,
        host: undefined,
        level: undefined,
        time: undefined,
        msg: undefined,
      },
    );
  });

  it('captures lines outside a run only when asked for all', () => {
    before.info('unwanted');
    bridge.setConfig({ scope: 'all' });
    before.info('wanted');
    assert.deepEqual(
      recorded.lines().map((line) => line.body),
      ['wanted'],
    );
  });

  it('prints what it printed before', async () => {
    const script = (): string[] => {
      const stream = printer();
      const logger = pino({ timestamp: false, redact: ['secret'] }, stream);
      logger.info('plain');
      logger.child({ b: 1 }).error(new TypeError('bad').message);
      logger.warn({ secret: 's', a: [1] }, 'm %d', 1);
      return stream.printed;
    };
    const bridged: string[] = [];
    await recorded.inRun(() => bridged.push(...script()));
    bridge.disable();
    assert.deepEqual(bridged, script());
  });

  it('never records what pino redacts', async () => {
    const logger = pino({ redact: ['secret', 'user.token'] }, printer());
    const lines = await recorded.inRun(() => logger.child({ secret: 'a' }).info({ user: { token: 'b', id: 1 } }, 'm'));
    assert.deepEqual(lines[0]?.attributes['user'], { token: '[Redacted]', id: 1 });
    assert.equal(lines[0]?.attributes['secret'], '[Redacted]');
  });

  it('keeps bindings, own bases and mixins', async () => {
    const logger = pino({ base: { pid: 1, hostname: 'other' }, mixin: () => ({ mixed: true }) }, printer());
    const lines = await recorded.inRun(() => logger.child({ a: 1 }).child({ b: 2 }).info('m'));
    const { pid, hostname: host, mixed, a, b } = lines[0]?.attributes ?? {};
    assert.deepEqual({ pid, host, mixed, a, b }, { pid: 1, host: 'other', mixed: true, a: 1, b: 2 });
    assert.notEqual(hostname(), 'other');
  });

  it('follows message, error and nesting keys, time and level formats', async () => {
    const logger = pino(
      {
        messageKey: 'message',
        errorKey: 'failure',
        timestamp: () => ',"at":"now"',
        formatters: { level: (label) => ({ severity: label.toUpperCase() }) },
      },
      printer(),
    );
    const nested = pino({ nestedKey: 'payload' }, printer());
    const lines = await recorded.inRun(() => {
      logger.error(Object.assign(new RangeError('bad'), { code: 'E_BAD' }));
      nested.info({ a: 1 }, 'm');
    });
    assert.equal(lines[0]?.body, 'bad');
    assert.equal(lines[0]?.severityText, 'error');
    assert.equal(lines[0]?.attributes['exception.type'], 'RangeError');
    assert.equal(lines[0]?.attributes['exception.message'], 'bad');
    assert.match(String(lines[0]?.attributes['exception.stacktrace']), /pino-bridge\.test/);
    assert.deepEqual(lines[0]?.attributes['failure'], { code: 'E_BAD' });
    assert.equal('at' in (lines[0]?.attributes ?? {}), false);
    assert.equal('severity' in (lines[0]?.attributes ?? {}), false);
    assert.equal(lines[1]?.body, 'm');
    assert.deepEqual(lines[1]?.attributes['payload'], { a: 1 });
  });

  it('knows levels of the app, by name and by number', async () => {
    const logger = pino({ level: 'trace', customLevels: { chatter: 25, note: 35, notice: 31, doom: 99 } }, printer());
    const syslog = pino({ customLevels: { crit: 2, odd: 7 }, useOnlyCustomLevels: true, level: 'crit' }, printer());
    const lines = await recorded.inRun(() => {
      for (const level of ['trace', 'fatal', 'chatter', 'note', 'notice', 'doom'] as const) logger[level]('m');
      syslog.crit('m');
    });
    assert.deepEqual(
      lines.map((line) => [line.severityText, line.severityNumber]),
      [
        ['trace', 1],
        ['fatal', 21],
        ['chatter', 7],
        ['note', 11],
        ['notice', 10],
        ['doom', 24],
        ['crit', 21],
      ],
    );
  });

  it('keeps a line that is not JSON as its body', async () => {
    const logger = pino({ timestamp: () => ',"time":unquoted' }, printer());
    const lines = await recorded.inRun(() => logger.info('m'));
    assert.match(String(lines[0]?.body), /"time":unquoted.*"msg":"m"\}$/);
  });

  it('lets the error of a serializer reach the app, and captures nothing of that line', async () => {
    const logger = pino({ serializers: { bad: () => assert.fail('serializer') } }, printer());
    const lines = await recorded.inRun(() => {
      assert.throws(() => logger.info({ bad: 1 }, 'm'), /serializer/);
      logger.info('next');
    });
    assert.deepEqual(
      lines.map((line) => line.body),
      ['next'],
    );
  });

  it('captures a line once beside a second bridge, and goes on when the first one is disabled', async () => {
    const second = new PinoBridge();
    second.enable();
    assert.equal((await recorded.inRun(() => before.info('one'))).length, 1);
    bridge.disable();
    assert.equal((await recorded.inRun(() => before.info('two'))).length, 1);
    second.disable();
    assert.equal((await recorded.inRun(() => before.info('three'))).length, 0);
    bridge.enable();
    assert.equal((await recorded.inRun(() => before.info('four'))).length, 1);
  });

  it('works with a logs SDK too old to tell whether anybody listens, and survives one that throws', async () => {
    bridge.disable();
    logs.disable();
    const bodies: unknown[] = [];
    const older = {
      emit(record: { readonly body?: unknown }) {
        bodies.push(record.body);
        throw new Error('broken exporter');
      },
    };
    logs.setGlobalLoggerProvider({ getLogger: () => older } as unknown as ReturnType<typeof logs.getLoggerProvider>);
    bridge = new PinoBridge();
    const task = startTask('old-sdk');
    task.run(() => before.info('still here'));
    assert.equal(bodies.filter((body) => body === 'still here').length, 1);
    task.end();
  });
});
