import assert from 'node:assert/strict';
import { clearReports } from '@taskspan/core/hub';
import winston from 'winston';
import { ConsoleBridge } from './console-bridge.ts';
import { type RecordedLines, recordLines } from './recorded-lines.test.support.ts';
import { WinstonBridge } from './winston-bridge.ts';

/** Runs `work` with the standard streams caught, and returns what it printed. */
async function printedBy(work: () => unknown): Promise<string> {
  const streams = [process.stdout, process.stderr];
  const writes = streams.map((stream) => stream.write);
  let printed = '';
  const keep = (chunk: unknown): boolean => {
    printed += String(chunk);
    return true;
  };
  for (const stream of streams) stream.write = keep as typeof stream.write;
  try {
    await work();
  } finally {
    streams.forEach((stream, at) => {
      const write = writes[at];
      if (write !== undefined) stream.write = write;
    });
  }
  return printed;
}

describe('ConsoleBridge', () => {
  let recorded: RecordedLines;
  let bridge: ConsoleBridge;
  const untouched = Object.getOwnPropertyDescriptors(console);

  beforeEach(() => {
    recorded = recordLines();
    bridge = new ConsoleBridge();
  });

  afterEach(async () => {
    bridge.disable();
    clearReports();
    await recorded.stop();
    const now = Object.getOwnPropertyDescriptors(console);
    for (const method of ['trace', 'debug', 'log', 'info', 'warn', 'error'] as const) {
      assert.ok(now[method].value === untouched[method].value, `console.${method} is restored`);
      assert.equal(now[method].enumerable, untouched[method].enumerable);
    }
    assert.equal(Reflect.ownKeys(now).length, Reflect.ownKeys(untouched).length);
  });

  it('captures what is printed inside a run, once, at the level of the method', async () => {
    const printed = await printedBy(async () => {
      console.log('outside');
      await recorded.inRun(() => {
        console.debug('a %s', 'b', { c: 1 });
        console.log('log');
        console.info('info');
        console.warn('warn');
        console.error('failed', new TypeError('bad'));
        console.trace('where');
        console.assert(false, 'broken');
      });
    });
    const lines = recorded.lines();
    assert.deepEqual(
      lines.map((line) => [line.severityText, line.severityNumber, String(line.body).split('\n')[0]]),
      [
        ['debug', 5, 'a b { c: 1 }'],
        ['log', 9, 'log'],
        ['info', 9, 'info'],
        ['warn', 13, 'warn'],
        ['error', 17, 'failed TypeError: bad'],
        ['trace', 1, 'where'],
        ['warn', 13, 'Assertion failed: broken'],
      ],
    );
    assert.equal(lines[0]?.attributes['task.id'], 'run-1');
    assert.equal(lines[4]?.attributes['exception.type'], 'TypeError');
    assert.match(printed, /^outside\na b \{ c: 1 \}\nlog\n/);
    assert.match(printed, /Trace: where/);
  });

  it('keeps names, lengths and flags of the methods', () => {
    assert.equal(console.log.name, untouched.log.value?.name);
    assert.equal(console.log.length, untouched.log.value?.length);
    assert.equal(Object.getOwnPropertyDescriptor(console, 'log')?.enumerable, untouched.log.enumerable);
    assert.notEqual(console.log, untouched.log.value);
  });

  it('captures a line of winston once, also when winston prints through the console', async () => {
    const winstonBridge = new WinstonBridge();
    const logger = winston.createLogger({ transports: [new winston.transports.Console({ forceConsole: true })] });
    try {
      await printedBy(() => recorded.inRun(() => logger.info('once')));
      assert.deepEqual(
        recorded.lines().map((line) => line.instrumentationScope.name),
        ['@taskspan/winston'],
      );
    } finally {
      winstonBridge.disable();
    }
  });

  it('prints a value that cannot be formatted twice as before', async () => {
    let inspected = 0;
    const odd = {
      [Symbol.for('nodejs.util.inspect.custom')]() {
        inspected += 1;
        if (inspected === 1) throw new Error('not now');
        return 'odd';
      },
    };
    const printed = await printedBy(() => recorded.inRun(() => console.log(odd)));
    assert.equal(printed, 'odd\n');
    assert.equal(recorded.lines()[0]?.body, '(unreadable log line)');
  });

  it('stays in place, passing through, when somebody wraps it before it is disabled', async () => {
    const ours = console.log;
    const theirs = (...args: unknown[]): void => ours(...args);
    console.log = theirs;
    bridge.disable();
    const printed = await printedBy(() => recorded.inRun(() => console.log('through both')));
    assert.equal(printed, 'through both\n');
    assert.equal(recorded.lines().length, 0);
    console.log = ours;
    bridge.enable();
    await printedBy(() => recorded.inRun(() => console.log('again')));
    assert.equal(recorded.lines().length, 1);
  });
});
