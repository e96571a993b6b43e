import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { logs } from '@opentelemetry/api-logs';
import { OpenTelemetryTransportV3 } from '@opentelemetry/winston-transport';
import { startTask } from '@taskspan/core';
import { clearReports } from '@taskspan/core/hub';
import winston from 'winston';
import TransportStream from 'winston-transport';
import { type RecordedLines, recordLines } from './recorded-lines.test.support.ts';
import { WinstonBridge } from './winston-bridge.ts';

const { format } = winston;

/** What an app prints: a stream transport whose lines are kept. */
function printer(): { readonly printed: string[]; readonly transport: winston.transport } {
  const printed: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      printed.push(String(chunk).trimEnd());
      done();
    },
  });
  return { printed, transport: new winston.transports.Stream({ stream }) };
}

describe('WinstonBridge', () => {
  let recorded: RecordedLines;
  let bridge: WinstonBridge;
  const before = winston.createLogger({ transports: [printer().transport] });
  const untouched = Object.getOwnPropertyDescriptors(winston.Logger.prototype);

  beforeEach(() => {
    recorded = recordLines();
    bridge = new WinstonBridge();
  });

  afterEach(async () => {
    bridge.disable();
    clearReports();
    await recorded.stop();
    assert.deepEqual(Object.getOwnPropertyDescriptors(winston.Logger.prototype), untouched);
  });

  it('captures lines inside a run with the ids of the run, from loggers made before and after it', async () => {
    const after = winston.createLogger({ transports: [printer().transport] });
    before.info('outside');
    const lines = await recorded.inRun(async () => {
      before.info('from before');
      await Promise.resolve();
      after.warn('from after', { size: 3 });
    });
    assert.deepEqual(
      lines.map((line) => [line.body, line.severityNumber, line.severityText, line.instrumentationScope.name]),
      [
        ['from before', 9, 'info', '@taskspan/winston'],
        ['from after', 13, 'warn', '@taskspan/winston'],
      ],
    );
    assert.equal(lines[1]?.attributes['task.id'], 'run-1');
    assert.equal(lines[1]?.attributes['size'], 3);
  });

  it('captures lines outside a run only when asked for all', () => {
    before.info('unwanted');
    assert.equal(recorded.lines().length, 0);
    bridge.setConfig({ scope: 'all' });
    before.info('wanted');
    assert.deepEqual(
      recorded.lines().map((line) => line.body),
      ['wanted'],
    );
  });

  it('changes neither what is printed nor transports, listeners and return values', async () => {
    const script = (logger: winston.Logger): unknown[] => [
      logger.info('plain'),
      logger.info('hello %s', 'world', { a: 1 }),
      logger.log({ level: 'warn', message: 'object' }),
      logger.write({ level: 'info', message: 'stream' }),
    ];
    const make = (): { printed: string[]; logger: winston.Logger } => {
      const { printed, transport } = printer();
      return {
        printed,
        logger: winston.createLogger({
          format: format.combine(format.splat(), format.json()),
          transports: [transport],
        }),
      };
    };
    bridge.disable();
    const bare = make();
    const bareResults = script(bare.logger);
    bridge.enable();
    const bridged = make();
    await recorded.inRun(() => {
      const results = script(bridged.logger);
      assert.equal(results.length, bareResults.length);
      assert.equal(results[0], bridged.logger);
      assert.equal(results[3], bareResults[3]);
    });
    assert.deepEqual(bridged.printed, bare.printed);
    assert.equal(bridged.logger.transports.length, bare.logger.transports.length);
    for (const event of ['data', 'error', 'finish', 'drain', 'warn']) {
      assert.equal(bridged.logger.listenerCount(event), bare.logger.listenerCount(event), event);
    }
  });

  it('keeps below the levels of logger and transports, and says nothing for a silent logger', async () => {
    const { transport } = printer();
    const quiet = winston.createLogger({ level: 'warn', transports: [transport] });
    const silent = winston.createLogger({ silent: true, transports: [transport] });
    const { transport: verbose } = printer();
    verbose.level = 'debug';
    const chatty = winston.createLogger({ level: 'error', transports: [verbose] });
    const lines = await recorded.inRun(() => {
      quiet.info('below');
      silent.error('silent');
      chatty.debug('by its transport');
      chatty.silly('below both');
    });
    assert.deepEqual(
      lines.map((line) => line.body),
      ['by its transport'],
    );
  });

  it('records what the formats of the logger leave: interpolated, redacted, without colours, dropped lines not at all', async () => {
    const redact = format((info) => {
      if (info['private'] === true) return false;
      if ('password' in info) info['password'] = '***';
      return info;
    });
    const logger = winston.createLogger({
      format: format.combine(format.splat(), redact(), format.colorize({ all: true }), format.simple()),
      transports: [printer().transport],
    });
    const lines = await recorded.inRun(() => {
      logger.info('hello %s', 'world', { password: 'secret' });
      logger.info('hidden', { private: true });
    });
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.body, 'hello world');
    assert.equal(lines[0]?.attributes['password'], '***');
    assert.equal(lines[0]?.severityText, 'info');
    assert.equal(lines[0]?.attributes['exception.message'], undefined);
  });

  it('keeps default metadata, those of child loggers, and values that the SDK would refuse', async () => {
    const logger = winston.createLogger({ defaultMeta: { service: 'shop' }, transports: [printer().transport] });
    const cycle: Record<string, unknown> = { n: 1 };
    cycle['self'] = cycle;
    const lines = await recorded.inRun(() => {
      logger.child({ request: 7 }).info('line', { at: new Date(0), big: 10n, fn() {}, nested: { at: new Date(0) } });
    });
    const attributes = lines[0]?.attributes ?? {};
    assert.equal(attributes['service'], 'shop');
    assert.equal(attributes['request'], 7);
    assert.equal(attributes['at'], '1970-01-01T00:00:00.000Z');
    assert.equal(attributes['big'], '10');
    assert.equal('fn' in attributes, false);
    assert.deepEqual(attributes['nested'], { at: '1970-01-01T00:00:00.000Z' });
  });

  describe('makes an exception of an error', () => {
    const cases: Array<readonly [string, (logger: winston.Logger) => void, string, string]> = [
      ['logged alone', (logger) => logger.error(new TypeError('bad')), 'TypeError', 'bad'],
      ['after a message', (logger) => logger.error('failed', new RangeError('bad')), 'RangeError', 'bad'],
      ['after metadata', (logger) => logger.error('failed', { a: 1 }, new TypeError('bad')), 'TypeError', 'bad'],
      ['after interpolated text', (logger) => logger.error('failed %s', 'x', new TypeError('bad')), 'TypeError', 'bad'],
      ['in a field', (logger) => logger.error('failed', { err: new TypeError('bad') }), 'TypeError', 'bad'],
      ['with a code', (logger) => logger.error(Object.assign(new Error('gone'), { code: 'ENOENT' })), 'ENOENT', 'gone'],
    ];
    for (const [name, log, type, message] of cases) {
      it(name, async () => {
        const logger = winston.createLogger({
          format: format.combine(format.errors({ stack: true }), format.splat(), format.json()),
          transports: [printer().transport],
        });
        const [line] = await recorded.inRun(() => log(logger));
        assert.equal(line?.attributes['exception.type'], type);
        assert.equal(line?.attributes['exception.message'], message);
        assert.match(String(line?.attributes['exception.stacktrace']), /winston-bridge\.test/);
        assert.equal(line?.attributes['stack'], undefined);
      });
    }
  });

  it('takes no text, and no object with a name, for an error', async () => {
    const lines = await recorded.inRun(() => {
      before.info('m', 'text');
      before.info('m', { name: 'bob', error: 'off' });
    });
    for (const line of lines) assert.equal(line.attributes['exception.type'], undefined);
    assert.equal(lines[1]?.attributes['name'], 'bob');
    assert.equal(lines[1]?.attributes['error'], 'off');
  });

  it('knows the levels of syslog, cli and the app', async () => {
    const { transport } = printer();
    const own = { broken: 0, error: 1, odd: 2, note: 3 };
    const loggers: Array<readonly [winston.LoggerOptions['levels'] & object, string, number]> = [
      [winston.config.syslog.levels, 'crit', 21],
      [winston.config.syslog.levels, 'notice', 10],
      [winston.config.cli.levels, 'silly', 1],
      [own, 'broken', 18],
      [own, 'odd', 16],
      [{ high: 0, middle: 1, low: 2 }, 'middle', 11],
    ];
    for (const [levels, level, severity] of loggers) {
      const most = Object.keys(levels).at(-1) ?? '';
      const logger = winston.createLogger({ levels, level: most, transports: [transport] });
      const [line] = await recorded.inRun(() => logger.log(level, 'm'));
      assert.equal(line?.severityNumber, severity, level);
      assert.equal(line?.severityText, level);
    }
  });

  it('keeps a line with a throwing getter out of the way of the app', async () => {
    const { transport, printed } = printer();
    const logger = winston.createLogger({ format: format((info) => info)(), transports: [transport] });
    const lines = await recorded.inRun(() => {
      const info = { level: 'info', message: 'm' };
      Object.defineProperty(info, 'trap', { enumerable: true, get: () => assert.fail('trap') });
      logger.write(info);
      logger.info('next');
    });
    assert.deepEqual(
      lines.map((line) => line.body),
      ['(unreadable log line)', 'next'],
    );
    assert.equal(printed.length, 2);
  });

  it('lets the error of a format reach the app as before', async () => {
    const broken = format(() => {
      throw new Error('format is broken');
    });
    const logger = winston.createLogger({ format: broken(), transports: [printer().transport] });
    const lines = await recorded.inRun(() => assert.throws(() => logger.info('m'), /format is broken/));
    assert.equal(lines.length, 0);
  });

  it('keeps context and time of lines that wait behind a slow transport', async () => {
    let release: (() => void) | undefined;
    let arrived = 0;
    let allArrived: (() => void) | undefined;
    const all = new Promise<void>((resolve) => {
      allArrived = resolve;
    });
    const count = 80;
    class Slow extends TransportStream {
      override log(_info: unknown, next: () => void): void {
        arrived += 1;
        if (arrived === 1) release = next;
        else next();
        if (arrived === count) allArrived?.();
      }
    }
    const logger = winston.createLogger({ transports: [new Slow()] });
    const task = startTask('slow', { id: 'slow-run' });
    task.run(() => {
      for (let line = 0; line < count; line += 1) logger.info(`line ${line}`);
    });
    const atOnce = recorded.lines().length;
    assert.ok(atOnce > 0 && atOnce < count, `${atOnce} lines were captured at once`);
    release?.();
    await all;
    task.end();
    const lines = recorded.lines();
    assert.deepEqual(
      lines.map((line) => line.body),
      Array.from({ length: count }, (_, line) => `line ${line}`),
    );
    for (const line of lines) assert.equal(line.attributes['task.id'], 'slow-run');
  });

  it('captures a line once beside a second bridge, and goes on when the first one is disabled', async () => {
    const second = new WinstonBridge();
    second.enable();
    assert.equal((await recorded.inRun(() => before.info('one'))).length, 1);
    bridge.disable();
    assert.equal((await recorded.inRun(() => before.info('two'))).length, 1);
    second.disable();
    assert.equal((await recorded.inRun(() => before.info('three'))).length, 0);
    bridge.enable();
    assert.equal((await recorded.inRun(() => before.info('four'))).length, 1);
  });

  it('leaves lines to the official transport where the app has attached it', async () => {
    const logger = winston.createLogger({ transports: [new OpenTelemetryTransportV3({ level: 'warn' })] });
    const lines = await recorded.inRun(() => {
      logger.warn('sent by the app');
      logger.add(printer().transport);
      logger.info('not sent by the app');
    });
    assert.deepEqual(
      lines.map((line) => [line.body, line.instrumentationScope.name]),
      [
        ['sent by the app', '@opentelemetry/winston-transport'],
        ['not sent by the app', '@taskspan/winston'],
      ],
    );
  });

  it('does not capture what the toolkit writes through the logger of the caller', () => {
    const { transport, printed } = printer();
    const logger = winston.createLogger({ transports: [transport] });
    const task = startTask('with-logger', { logger });
    task.run(() => logger.info('by the app'));
    task.end();
    assert.equal(printed.length, 3);
    assert.deepEqual(
      recorded.lines().map((line) => line.body),
      ['by the app'],
    );
  });

  it('keeps run and fields of a line with very many fields, or with those of the toolkit', async () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${at}`, at]));
    const lines = await recorded.inRun(() => {
      before.info('many', many);
      before.info('fake', { 'task.sequence': 1, 'task.id': 'other', 'otel.event.name': 'task.ended' });
    });
    assert.equal(lines[0]?.attributes['task.id'], 'run-1');
    assert.equal(lines[0]?.attributes['f99'], 99);
    assert.equal(Object.keys(lines[0]?.attributes['more'] ?? {}).length, 200);
    assert.equal(lines[1]?.attributes['task.id'], 'run-1');
    assert.equal(lines[1]?.attributes['task.sequence'], Number(lines[0]?.attributes['task.sequence']) + 1);
    assert.equal(lines[1]?.eventName, undefined);
    assert.equal(lines[1]?.attributes['otel.event.name'], 'task.ended');
  });

  it('does not loop when emitting a record logs by itself', async () => {
    await recorded.stop();
    let emitted = 0;
    recorded = recordLines();
    logs.disable();
    logs.setGlobalLoggerProvider({
      getLogger: () => ({
        enabled: () => true,
        emit() {
          emitted += 1;
          before.info('from the exporter');
        },
      }),
    });
    bridge.disable();
    bridge = new WinstonBridge();
    const task = startTask('loop');
    emitted = 0;
    task.run(() => before.info('from the app'));
    assert.equal(emitted, 1);
    task.end();
  });
});
